"""Files of LLRP frames: cut, decoded, verified, put into words; and the two commands that show them."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.readers.llrp.frames import HEADER
from gateway.readers.llrp.tables import MESSAGES
from gateway.readers.llrp.transcript import line, read, record

RECORDED = Path(__file__).resolve().parents[2].parent / "shared/data/llrp"
KEEPALIVE = bytes.fromhex("043e 0000000a 00000063")
REPORT = bytes.fromhex(
    "043d 00000031 00000007 00f00027 8d 30141bcfd6f7c6a4ea6b2c01 810001 86d0 03ff000e0000651a00000039ea0c 870003"
)
UNKNOWN_TV = bytes.fromhex("043d 0000000f 00000008 00f00005 ff")
ERROR = bytes.fromhex("0464 00000018 00000009 011f000e 006d 0006") + b'no "\n' + b"\xfc"
VERSION = bytes.fromhex("0838 00000014 00000001 01 02 011f0008 0000 0000")
STRANGE = bytes.fromhex("1c3e 0000000a 00000063")


def test_entries_know_their_offsets_and_go_on_behind_a_rejected_frame() -> None:
    """A frame that cannot be decoded is one entry with the byte of its fault; the next begins where its length says."""
    first, second, third = read([KEEPALIVE + UNKNOWN_TV + REPORT])
    assert (first.offset, second.offset, third.offset) == (0, 10, 25)
    assert first.message is not None
    assert first.exact
    assert second.message is None
    assert not second.exact
    assert second.error is not None
    assert second.error.startswith("RO_ACCESS_REPORT: TagReportData: unknown TV parameter 127")
    assert second.error.endswith("(at byte 24 of the file)")
    assert third.raw == REPORT
    assert third.exact


@pytest.mark.parametrize("length", [0, 9, 5_000_000])
def test_a_hopeless_length_ends_the_file(length: int) -> None:
    """Where a length cannot be, nothing tells where the next frame begins: one entry says so, and it is the last."""
    bad = KEEPALIVE[:2] + length.to_bytes(4, "big") + KEEPALIVE[6:]
    good, lost = read([KEEPALIVE + bad + KEEPALIVE * 3])
    assert good.exact
    assert lost.offset == 10
    assert lost.error is not None
    assert f"claims {length} bytes" in lost.error
    assert lost.error.endswith("the rest of the file is lost")


def test_a_file_may_end_too_early() -> None:
    """Bytes of a frame that is not all there are told of; an empty file has no entries."""
    good, short = read([KEEPALIVE, KEEPALIVE[:4]])
    assert good.exact
    assert (short.offset, short.error) == (10, "the file ends inside a message: only 4 bytes of it are there")
    assert list(read([])) == list(read([b""])) == []


def test_lines_have_names_and_units() -> None:
    """A line has offset, version, type, id, length, and fields with the standard's names and units."""
    assert line(next(read([REPORT]))) == (
        "         0  1.0.1  RO_ACCESS_REPORT id=7 49 bytes  "
        "TagReportData(EPC_96=30141bcfd6f7c6a4ea6b2c01, AntennaID=1, "
        "PeakRSSI=-48 dBm, ImpinjPeakRSSI=-5620 cdBm, ChannelIndex=3)"
    )
    assert line(next(read([ERROR]))) == (
        "         0  1.0.1  ERROR_MESSAGE id=9 24 bytes  "
        'LLRPStatus(StatusCode=M_UnsupportedMessage, ErrorDescription="no \\"\\n\\\\xfc")'
    )
    assert line(next(read([VERSION]))).startswith(
        "         0  1.1    GET_SUPPORTED_VERSION_RESPONSE id=1 20 bytes  CurrentVersion=1, SupportedVersion=2, LLRP"
    )
    assert line(next(read([KEEPALIVE]))) == "         0  1.0.1  KEEPALIVE id=99 10 bytes"
    assert line(next(read([STRANGE]))).startswith("         0  rejected  message 62 of LLRP version 7; ")


def test_records_are_for_machines() -> None:
    """A record has the wire's values, names beside, bytes in hex, bit strings with their length, and serialises."""
    body = bytes.fromhex("00f0000c00f1 0008 0009 ff80")
    found = record(next(read([HEADER.pack(0x43D, 22, 5) + body])))
    assert found == {
        "offset": 0,
        "version": "1.0.1",
        "type": "RO_ACCESS_REPORT",
        "id": 5,
        "length": 22,
        "parameters": [
            {
                "name": "TagReportData",
                "parameters": [{"name": "EPCData", "fields": {"EPC": {"bits": 9, "hex": "ff80"}}}],
            }
        ],
    }
    (status,) = record(next(read([ERROR])))["parameters"]
    assert status["fields"] == {"StatusCode": 109, "ErrorDescription": 'no "\n\\xfc'}
    assert status["names"] == {"StatusCode": "M_UnsupportedMessage"}
    assert record(next(read([UNKNOWN_TV]))).keys() == {"offset", "length", "error"}
    json.dumps([record(entry) for entry in read([KEEPALIVE + REPORT + ERROR + VERSION + UNKNOWN_TV])])


def test_memory_is_that_of_a_piece() -> None:
    """A file of any size is read in what one piece needs."""

    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield REPORT * 500

    for _ in read([REPORT * 500]):
        pass
    tracemalloc.start()
    try:
        assert sum(entry.message is not None for entry in read(pieces())) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def run(tmp_path: Path, data: bytes, *arguments: str) -> tuple[int, list[str]]:
    """A command of `tallyman llrp` over a file of these bytes: exit code and lines; `-` gives the bytes to stdin."""
    file = tmp_path / "frames.llrp"
    file.write_bytes(data)
    source = [] if "-" in arguments else [str(file)]
    done = CliRunner().invoke(main, ["llrp", *arguments, *source], input=data)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output.splitlines()


def test_verify_counts_and_judges(tmp_path: Path) -> None:
    """`verify` is 0 only if all frames are exact; rejected ones are shown with their offsets and end nothing."""
    assert run(tmp_path, KEEPALIVE + REPORT, "verify") == (0, ["2 frames, 2 byte-exact, 0 rejected"])
    assert run(tmp_path, KEEPALIVE, "verify", "-") == (0, ["1 frames, 1 byte-exact, 0 rejected"])
    code, lines = run(tmp_path, KEEPALIVE + UNKNOWN_TV + STRANGE + REPORT, "verify")
    assert code == 1
    assert [words.split()[:2] for words in lines[:-1]] == [["10", "rejected"], ["25", "rejected"]]
    assert lines[-1] == "4 frames, 2 byte-exact, 2 rejected"
    assert run(tmp_path, b"", "verify") == (0, ["0 frames, 0 byte-exact, 0 rejected"])


def test_decode_prints_a_line_per_frame(tmp_path: Path) -> None:
    """`decode` has a line per frame, `--json` an object per line; both say what was rejected and end with 1 then."""
    code, lines = run(tmp_path, KEEPALIVE + REPORT, "decode")
    assert (code, len(lines)) == (0, 2)
    assert "TagReportData(EPC_96=30141bcfd6f7c6a4ea6b2c01" in lines[1]
    code, lines = run(tmp_path, KEEPALIVE + UNKNOWN_TV + REPORT, "decode", "--json")
    assert code == 1
    assert [json.loads(words).get("type") for words in lines] == ["KEEPALIVE", None, "RO_ACCESS_REPORT"]
    assert CliRunner().invoke(main, ["llrp", "decode", str(tmp_path / "none")]).exit_code == 2


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.exists(), reason="shared/ is not part of a clone")
def test_recorded_messages_verify(tmp_path: Path) -> None:
    """All messages recorded from a real reader, with headers before them, come out byte for byte."""
    kinds = {name.replace("_", "").lower(): d.number for name, d in MESSAGES.items()}
    data = b""
    for number, file in enumerate(sorted(RECORDED.rglob("*.bytes"))):
        body = file.read_bytes()
        data += HEADER.pack(1 << 10 | kinds[file.stem.partition("-")[0].lower()], 10 + len(body), number) + body
    assert run(tmp_path, data, "verify") == (0, ["15 frames, 15 byte-exact, 0 rejected"])
