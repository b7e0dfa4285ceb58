"""Wireshark as referee: no message we send is malformed, and each is read as what we meant. Needs tshark."""

import json
import shutil
import subprocess
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from msgspec import structs

from gateway.readers.llrp import rospec
from gateway.readers.llrp.capabilities import Capabilities
from gateway.readers.llrp.codec import Message, encode
from gateway.readers.llrp.handshake import STEPS
from gateway.readers.llrp.settings import (
    VERSION_1_1,
    Filter,
    GpiTrigger,
    PeriodTrigger,
    QuietTrigger,
    ReaderSettings,
)

PLAIN = ReaderSettings("r", "h")
FILTERS = (Filter(1, 32, b"\x30", 8), Filter(2, 0, b"\xe2\x80\x10", 20))
FULL = ReaderSettings(
    *("r", "h"),
    antennas=(1, 2, 4),
    gpi=(1, 2),
    power_dbm=25.0,
    session=2,
    mode=1002,
    tag_population=60,
    takeover=True,
    report_every=20,
)
PORTALS = [
    structs.replace(FULL, trigger=GpiTrigger(1, timeout=30_000_000), filters=FILTERS, powers=((2, 20.0),)),
    structs.replace(FULL, trigger=GpiTrigger(2, level=False, quiet=1_200_000), report_period=500_000),
    structs.replace(PLAIN, trigger=QuietTrigger(5_000_000), version=VERSION_1_1, report_every=9, report_period=500_000),
    structs.replace(PLAIN, trigger=PeriodTrigger(10_000_000, 2_000_000), filters=FILTERS[:1]),
]
NEWER = Capabilities(version=VERSION_1_1, highest=VERSION_1_1, newer=True)
IMPINJ = Capabilities(manufacturer=25882, holds=True, powers=((1, 1000), (61, 2500)), hop_table=1)


def everything_we_send() -> list[Message]:
    """Every request of the handshake for a plain and a full setting, and what is sent besides."""
    sent = [
        request
        for settings, can in (
            *((PLAIN, Capabilities()), (FULL, IMPINJ), (FULL, Capabilities(hopping=False))),
            *((settings, can) for settings in PORTALS for can in (IMPINJ, NEWER)),
        )
        for step in STEPS.values()
        if (request := step.request(settings, can)) is not None
    ]
    sent += [rospec.set_outputs({1: True, 2: False, 4: True}), rospec.get_rospecs(), rospec.get_report()]
    sent += [Message(name) for name in ("ENABLE_EVENTS_AND_REPORTS", "KEEPALIVE_ACK", "CLOSE_CONNECTION")]
    return [message._replace(id=number) for number, message in enumerate(sent, 1)]


def write_pcap(path: Path, payloads: list[bytes]) -> None:
    """One TCP segment to port 5084 per payload, in raw IPv4 (link type 101)."""
    data, sequence = pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101), 1
    for number, payload in enumerate(payloads):
        tcp = pack(">HHIIBBHHH", 40_000, 5084, sequence, 1, 5 << 4, 0x18, 8192, 0, 0)
        total = 40 + len(payload)
        ip = pack(">BBHHHBBH4s4s", 0x45, 0, total, number, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
        data += pack("<IIII", number, 0, total, total) + ip + tcp + payload
        sequence += len(payload)
    path.write_bytes(data)


def dissect(path: Path) -> list[dict[str, Any]]:
    """What tshark makes of each packet."""
    tshark = shutil.which("tshark") or pytest.fail("tshark is missing: apt-get install tshark")
    command = [tshark, "-n", "-r", str(path), "-d", "tcp.port==5084,llrp", "-T", "json", "--no-duplicate-keys"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def test_tshark_finds_nothing_malformed(tmp_path: Path) -> None:
    """Each message is one whole LLRP message of the type and id we meant, without malformed parts or errors."""
    sent = everything_we_send()
    write_pcap(tmp_path / "ours.pcap", [encode(message) for message in sent])
    packets = dissect(tmp_path / "ours.pcap")
    assert len(packets) == len(sent)
    for message, layers in zip(sent, packets, strict=True):
        text = json.dumps(layers)
        assert "_ws.malformed" not in text, message.name
        assert "_ws.expert" not in json.dumps(layers["llrp"]), (message.name, layers["llrp"])
        assert int(layers["llrp"]["llrp.id"]) == message.id
        assert int(layers["llrp"]["llrp.type"]) == encode(message)[1] | (encode(message)[0] & 3) << 8


def test_the_referee_can_say_no(tmp_path: Path) -> None:
    """A message cut short inside is reported: the test above would notice."""
    good = encode(everything_we_send()[0])
    bad = encode(Message("ADD_ROSPEC", 1)) + b"\x00\xb1\x00\x30\x00"
    bad = bad[:2] + len(bad).to_bytes(4, "big") + bad[6:]
    write_pcap(tmp_path / "bad.pcap", [good, bad])
    fine, broken = dissect(tmp_path / "bad.pcap")
    assert "_ws.malformed" not in json.dumps(fine)
    assert "_ws.malformed" in json.dumps(broken) or "_ws.expert" in json.dumps(broken)
