"""The order of the handshake with a reader, as a table: every state, and where an answer leads.

Everything that decides what comes next lives in this file. The sequence is the one every foreign reader we know
accepts: a Null start trigger with an explicit START_ROSPEC, and ENABLE_EVENTS_AND_REPORTS last.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from gateway.readers.llrp import rospec
from gateway.readers.llrp.capabilities import Capabilities
from gateway.readers.llrp.codec import Message
from gateway.readers.llrp.settings import ReaderSettings


class State(StrEnum):
    """Where the conversation stands."""

    GREETING = "greeting"
    VERSION = "version"
    VERSION_SET = "version, to be set"
    CAPABILITIES = "capabilities"
    EXTENSIONS = "extensions"
    CONFIG = "config"
    CONFIG_LEAST = "config, the least"
    INPUTS = "inputs"
    LEVELS = "levels"
    ANTENNAS = "antennas"
    TAKEOVER = "takeover"
    CLEAR = "clear"
    ADD = "add"
    ADD_LEAST = "add, the least"
    ENABLE = "enable"
    START = "start"
    READING = "reading"
    CLOSING = "closing"
    CLOSED = "closed"
    FAILED = "failed"


class Step(NamedTuple):
    """One request of the handshake: what to send, and where to go when it is accepted, refused, or not answered."""

    request: Callable[[ReaderSettings, Capabilities], Message | None]
    accepted: State
    refused: State
    unanswered: State = State.FAILED


STEPS = {
    State.VERSION: Step(rospec.get_supported_version, State.VERSION_SET, State.VERSION_SET, State.VERSION_SET),
    State.VERSION_SET: Step(rospec.set_protocol_version, State.CAPABILITIES, State.CAPABILITIES),
    State.CAPABILITIES: Step(rospec.get_capabilities, State.EXTENSIONS, State.FAILED),
    State.EXTENSIONS: Step(rospec.enable_extensions, State.CONFIG, State.CONFIG),
    State.CONFIG: Step(rospec.set_reader_config, State.INPUTS, State.CONFIG_LEAST),
    State.CONFIG_LEAST: Step(rospec.set_reader_config_least, State.INPUTS, State.FAILED),
    State.INPUTS: Step(rospec.enable_inputs, State.LEVELS, State.LEVELS),
    State.LEVELS: Step(rospec.get_levels, State.ANTENNAS, State.ANTENNAS, State.ANTENNAS),
    State.ANTENNAS: Step(rospec.get_antennas, State.TAKEOVER, State.TAKEOVER, State.TAKEOVER),
    State.TAKEOVER: Step(rospec.delete_all, State.CLEAR, State.CLEAR),
    State.CLEAR: Step(rospec.delete_own, State.ADD, State.ADD),
    State.ADD: Step(rospec.add, State.ENABLE, State.ADD_LEAST),
    State.ADD_LEAST: Step(rospec.add_least, State.ENABLE, State.FAILED),
    State.ENABLE: Step(rospec.enable, State.START, State.FAILED),
    State.START: Step(rospec.start, State.READING, State.FAILED),
}
"""The handshake. Where `refused` is FAILED the request is essential; elsewhere a refusal is noted and lived with.
No answer is lived with where only a question was asked; else nobody knows how the reader stands: in which version,
after SET_PROTOCOL_VERSION, it will take what comes next. What is dropped in `add, the least` is optional: power, mode,
session, population, vendor extensions, reports by time. Triggers and filters are essential: without them other tags
would be read than wanted."""
