"""Recordings back into inputs, and through the same core: the technician's and the auditor's second look."""

from gateway.replay.reading import Reading
from gateway.replay.replaying import Replay, replay

__all__ = ["Reading", "Replay", "replay"]
