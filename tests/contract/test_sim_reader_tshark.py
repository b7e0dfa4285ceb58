"""tshark as the referee of the simulated reader's bytes."""

import asyncio
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from simulators.llrp import Reader
from simulators.llrp.capabilities import IMPINJ
from simulators.llrp.wire import Bits, Message, Parameter, pack

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "llrp"

SELECTOR = {
    "EnableROSpecID": 1,
    "EnableSpecIndex": 1,
    "EnableInventoryParameterSpecID": 1,
    "EnableAntennaID": 1,
    "EnableChannelIndex": 1,
    "EnablePeakRSSI": 1,
    "EnableFirstSeenTimestamp": 1,
    "EnableLastSeenTimestamp": 1,
    "EnableTagSeenCount": 1,
    "EnableAccessSpecID": 1,
}


def requests() -> list[Message]:
    """One of everything that a client may ask, some of it wrong."""
    memory = Parameter("C1G2EPCMemorySelector", {"EnableCRC": 1, "EnablePCBits": 1})
    report = Parameter(
        "ROReportSpec",
        {"ROReportTrigger": 1, "N": 2},
        [Parameter("TagReportContentSelector", SELECTOR, [memory])],
    )
    boundary = Parameter(
        "ROBoundarySpec",
        {},
        [
            Parameter("ROSpecStartTrigger", {"ROSpecStartTriggerType": 0}),
            Parameter("ROSpecStopTrigger", {"ROSpecStopTriggerType": 0, "DurationTriggerValue": 0}),
        ],
    )
    stop = Parameter("AISpecStopTrigger", {"AISpecStopTriggerType": 0, "DurationTrigger": 0})
    inventory = Parameter("InventoryParameterSpec", {"InventoryParameterSpecID": 1, "ProtocolID": 1})
    aispec = Parameter("AISpec", {"AntennaIDs": [0]}, [stop, inventory])
    rospec = Parameter("ROSpec", {"ROSpecID": 1, "Priority": 0, "CurrentState": 0}, [boundary, aispec, report])
    nothing = Bits(0, b"")
    target = {"MB": 1, "Match": 1, "Pointer": 32, "TagMask": nothing, "TagData": nothing}
    read = {"OpSpecID": 1, "AccessPassword": 0, "MB": 2, "WordPointer": 0, "WordCount": 2}
    tag_spec = Parameter("C1G2TagSpec", {}, [Parameter("C1G2TargetTag", target)])
    access = Parameter(
        "AccessSpec",
        {"AccessSpecID": 1, "AntennaID": 0, "ProtocolID": 1, "CurrentState": 0, "ROSpecID": 0},
        [
            Parameter("AccessSpecStopTrigger", {"AccessSpecStopTrigger": 0, "OperationCountValue": 0}),
            Parameter("AccessCommand", {}, [tag_spec, Parameter("C1G2Read", read)]),
        ],
    )
    events = [Parameter("EventNotificationState", {"EventType": k, "NotificationState": 1}) for k in range(9)]
    settings = [
        Parameter("ReaderEventNotificationSpec", {}, events),
        Parameter("KeepaliveSpec", {"KeepaliveTriggerType": 1, "PeriodicTriggerValue": 20}),
        Parameter("GPOWriteData", {"GPOPortNumber": 1, "GPOData": 1}),
        Parameter("GPIPortCurrentState", {"GPIPortNum": 1, "Config": 1, "State": 0}),
    ]
    return [
        Message("GET_READER_CAPABILITIES", {"RequestedData": 0}),
        Message("GET_READER_CONFIG", {"AntennaID": 0, "RequestedData": 0, "GPIPortNum": 0, "GPOPortNum": 0}),
        Message("SET_READER_CONFIG", {"ResetToFactoryDefault": 0}, settings),
        Message("SET_READER_CONFIG", {"ResetToFactoryDefault": 0}, [settings[0], settings[0]]),
        Message("ADD_ROSPEC", {}, [rospec]),
        Message("ADD_ROSPEC", {}, [rospec]),
        Message("ADD_ROSPEC", {}, [Parameter("ROSpec", {**rospec.fields, "CurrentState": 1}, rospec.parts)]),
        Message("ENABLE_ROSPEC", {"ROSpecID": 0}),
        Message("START_ROSPEC", {"ROSpecID": 1}),
        Message("GET_ROSPECS"),
        Message("ADD_ACCESSSPEC", {}, [access]),
        Message("ENABLE_ACCESSSPEC", {"AccessSpecID": 1}),
        Message("GET_ACCESSSPECS"),
        Message("DISABLE_ACCESSSPEC", {"AccessSpecID": 1}),
        Message("DELETE_ACCESSSPEC", {"AccessSpecID": 0}),
        Message("ENABLE_EVENTS_AND_REPORTS"),
        Message("CUSTOM_MESSAGE", {"VendorIdentifier": IMPINJ, "MessageSubtype": 21, "Data": b""}),
        Message("KEEPALIVE"),
    ]


ENDING = [
    Message("STOP_ROSPEC", {"ROSpecID": 1}),
    Message("GET_REPORT"),
    Message("DISABLE_ROSPEC", {"ROSpecID": 0}),
    Message("DELETE_ROSPEC", {"ROSpecID": 0}),
    Message("CLOSE_CONNECTION"),
]


async def session() -> list[bytes]:
    """Every frame that the simulator sends to a client that asks everything; reads, edges and keepalives between."""
    reader = Reader("dock-1")
    port = await reader.start()
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    try:
        for number, request in enumerate(requests(), 1):
            request.id = number
            outgoing.write(pack(request))
        async with asyncio.timeout(5):
            while not reader.keepalives:  # noqa: ASYNC110 (the reader is not asked to tell)
                await asyncio.sleep(0.01)
        for epc in ("3034257bf7194e4000001a85", "30", "3b00112233445566778899aabbccddeeff", "123"):
            assert reader.see(epc, 1, rssi=-61, channel=3)
        reader.gpi(1, True)
        reader.plug(3, False)
        for request in ENDING:
            outgoing.write(pack(request))
        frames = []
        while head := await incoming.read(10):
            frames.append(head + await incoming.readexactly(int.from_bytes(head[2:6]) - 10))
    finally:
        outgoing.close()
        await outgoing.wait_closed()
        await reader.stop()
    return frames


def pcap(frames: Iterable[bytes]) -> bytes:
    """A capture file (LINKTYPE_RAW) of one TCP stream from port 5084, a frame in as many segments as it needs."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    sequence = 1
    for second, frame in enumerate(frames):
        for at in range(0, len(frame), 1400):
            piece = frame[at : at + 1400]
            tcp = struct.pack(">HHIIBBHHH", 5084, 40000, sequence, 1, 0x50, 0x18, 65535, 0, 0)
            size = 20 + len(tcp) + len(piece)
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 6, 0, bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)))
            out.append(struct.pack("<IIII", second, at, size, size) + ip + tcp + piece)
            sequence += len(piece)
    return b"".join(out)


def dissect(path: Path, *options: str) -> str:
    """What tshark says of a capture file. Its absence is a failure: without the referee nothing is proved."""
    tshark = shutil.which("tshark")
    assert tshark, "tshark is not installed: apt install tshark"
    return subprocess.run([tshark, "-n", "-r", str(path), *options], check=True, capture_output=True, text=True).stdout


def complaints(capture: Path) -> list[tuple[str, str]]:
    """What tshark calls an error or malformed, as (LLRP message type, text)."""
    table = dissect(
        capture,
        *("-Y", "_ws.malformed or _ws.expert.severity == error"),
        *("-T", "fields", "-e", "llrp.type", "-e", "_ws.expert.message"),
    )
    return [(kind, text) for kind, _, text in (line.partition("\t") for line in table.splitlines())]


IDENTIFICATION = ("12", "Incorrect length of parameter: 13 bytes decoded, but 15 bytes claimed.")
"""tshark 4.0 forgets the two count bytes of Identification.ReaderID in GET_READER_CONFIG_RESPONSE: it says the same of
what a real reader sent, which a test below holds it to. Nothing else is let pass."""


async def test_tshark_finds_nothing_malformed_in_what_the_simulator_sends(tmp_path: Path) -> None:
    """Every message of a session that asks everything is dissected as LLRP, none is malformed, reads agree."""
    frames = await session()
    capture = tmp_path / "session.pcap"
    capture.write_bytes(pcap(frames))
    assert [text for text in await asyncio.to_thread(complaints, capture) if text != IDENTIFICATION] == []
    fields = [item for name in ("type", "param.peak_rssi", "param.epc") for item in ("-e", f"llrp.{name}")]
    table = await asyncio.to_thread(dissect, capture, "-T", "fields", *fields, "-Y", "llrp")
    rows = [line.split("\t") for line in table.splitlines()]
    types = [int(kind) for kind, _, _ in rows]
    assert types == [int.from_bytes(frame[:2]) & 0x3FF for frame in frames]
    assert set(types) == {4, 11, 12, 13, 30, 31, 32, 33, 34, 35, 36, 50, 51, 52, 53, 54, 61, 62, 63, 100}
    reads = [(rssi, epc) for _, rssi, epc in rows if epc]
    assert reads == [
        ("195,195", "3034257bf7194e4000001a85,30"),  # -61 dBm, which tshark shows unsigned
        ("195,195", "3b00112233445566778899aabbccddeeff,1230"),
    ]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="shared/ is not part of a clone")
def test_tshark_says_the_same_of_a_real_readers_identification(tmp_path: Path) -> None:
    """The one complaint that is let pass is also made about a message recorded from a real reader."""
    body = (SHARED / "GetReaderConfigResponse-000.bytes").read_bytes()
    capture = tmp_path / "recorded.pcap"
    capture.write_bytes(pcap([b"\x04\x0c" + (10 + len(body)).to_bytes(4) + bytes(4) + body]))
    assert complaints(capture) in ([IDENTIFICATION], [])


def test_tshark_does_find_what_is_malformed(tmp_path: Path) -> None:
    """The referee sees a tag whose parameter outgrows it: silence from it means something."""
    bad = bytes.fromhex("043d 00000018 00000001  00f0 000e  81 0001  86 ce  00f1 00ff 0060")
    capture = tmp_path / "bad.pcap"
    capture.write_bytes(pcap([bad]))
    assert complaints(capture)
