"""The AsyncAPI document: written down as it is generated, and true to the topic table."""

import json
import os
import re
from pathlib import Path

from gateway import __version__
from gateway.events.asyncapi import document
from gateway.events.topics import TOPICS

WRITTEN = Path(__file__).parents[2] / "docs" / "asyncapi.json"


def test_the_written_document_is_the_generated_one() -> None:
    """docs/asyncapi.json is what the topic table says (TALLYMAN_WRITE_DOCS=1 writes it anew)."""
    text = json.dumps(document(__version__), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("TALLYMAN_WRITE_DOCS"):
        WRITTEN.write_text(text, encoding="utf-8")
    assert WRITTEN.read_text(encoding="utf-8") == text


def test_every_topic_is_a_channel_with_its_parameters() -> None:
    """Each row is a channel and an operation; braces and parameters agree; every reference leads somewhere."""
    found = document("1")
    addresses = {channel["address"] for channel in found["channels"].values() if channel["address"]}
    assert addresses == {f"tallyman/v1/{{site}}/{row.pattern}" for row in TOPICS}
    assert len(found["operations"]) == len(TOPICS)
    for channel in found["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"] or "")) == set(channel.get("parameters", {}))
    for reference in re.findall(r'"#/([^"]+)"', json.dumps(found)):
        place = found
        for step in reference.split("/"):
            place = place[step]
    sends = {name for name, one in found["operations"].items() if one["action"] == "send"}
    assert sends == {"evt", "state.lot", "state.location", "state.gateway", "state.device"}
