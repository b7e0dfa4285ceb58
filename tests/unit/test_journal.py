"""The journal on disk: append, write, reopen, rotate, tear, rot, prune."""

import io
import os
import shutil
from pathlib import Path

import msgspec
import pytest
import zstandard

from gateway.errors import JournalError
from gateway.journal import Crashes, Journal, records
from gateway.journal.journal import SUFFIX
from gateway.journal.segment import LEAD_BYTES, MAGIC, Damage, Group, pack_group, read_groups
from gateway.model.inputs import Device, Downlink, Input

T0 = 1_795_243_331_000_000


def opened(directory: Path, segment_bytes: int = 1 << 20) -> Journal:
    """The journal of the tests."""
    return Journal.open(directory, site="north", gateway="gw1", segment_bytes=segment_bytes)


def died(journal: Journal) -> None:
    """The process is gone: its lock and its files are let go, without a last word."""
    journal._pending = []
    journal.close()


def filled(directory: Path, groups: list[int], segment_bytes: int = 1 << 20) -> Journal:
    """A journal with groups of so many records."""
    journal = opened(directory, segment_bytes)
    for size in groups:
        for _ in range(size):
            journal.append(T0 + journal.last + 1, device(journal.last + 1))
        journal.write()
    return journal


def device(position: int) -> Input:
    """The input the tests put at a position."""
    return Device(f"d{position}", "up", "x" * (position % 7))


def positions(journal: Journal, after: int = 0) -> list[int]:
    """What can be read; each record must be the one that was put there."""
    found = list(journal.read(after))
    assert [(record.t, record.item) for record in found] == [
        (T0 + record.position, device(record.position)) for record in found
    ]
    return [record.position for record in found]


def test_what_was_written_is_read_back_after_reopening(tmp_path: Path) -> None:
    """Positions count from 1 over groups and openings, and reading starts behind any position."""
    filled(tmp_path, [1, 3, 2]).close()
    journal = opened(tmp_path)
    assert (journal.last, journal.last_t) == (6, T0 + 6)
    assert journal.append(T0 + 7, device(7)) == 7
    journal.write()
    assert positions(journal) == [1, 2, 3, 4, 5, 6, 7]
    for after in range(9):
        assert positions(journal, after) == list(range(after + 1, 8))
    assert (journal.torn, journal.lost) == (0, 0)
    journal.close()


def test_an_appended_record_is_not_there_before_the_write(tmp_path: Path) -> None:
    """`append` only collects: a process that dies before `write` has written nothing."""
    journal = filled(tmp_path, [2])
    journal.append(T0 + 3, device(3))
    assert positions(journal) == [1, 2]
    journal.close()
    assert positions(journal) == [1, 2, 3]


def test_segments_rotate_at_their_size(tmp_path: Path) -> None:
    """A full segment is followed by one named after its first record, each with a header that says where it begins."""
    journal = filled(tmp_path, [20] * 30, segment_bytes=600)
    paths = journal.segments()
    assert len(paths) > 5
    firsts = [int(path.name.removesuffix(SUFFIX)) for path in paths]
    for path, first in zip(paths, firsts, strict=True):
        lines = plain(path).splitlines()
        header = records.decode_header(lines[0])
        assert (header.first, header.site, header.gateway) == (first, "north", "gw1")
        assert len(lines) > 1
    assert positions(journal) == list(range(1, 601))
    assert positions(journal, firsts[3]) == list(range(firsts[3] + 1, 601))
    journal.close()
    assert opened_and_closed(tmp_path).last == 600


def opened_and_closed(directory: Path) -> Journal:
    """Open, look, close."""
    journal = opened(directory)
    journal.close()
    return journal


def plain(path: Path) -> bytes:
    """What `zstd -dc` makes of a segment."""
    with path.open("rb") as file:
        return io.BufferedReader(
            zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False)
        ).read()


def test_a_segment_is_a_zstd_file_of_plain_lines(tmp_path: Path) -> None:
    """Any zstd reader that crosses frames sees one header and then one JSON object per record."""
    journal = filled(tmp_path, [1, 200, 3])
    journal.close()
    lines = plain(journal.segments()[0]).splitlines()
    assert msgspec.json.decode(lines[0])["tallyman"] == 1
    assert [msgspec.json.decode(line)["device"] for line in lines[1:]] == [f"d{n}" for n in range(1, 205)]
    assert lines[1].startswith(b'{"t":"2026-11-21T06:42:11.000001Z","kind":"device",')


def test_a_tail_torn_at_any_byte_is_cut_off_and_kept(tmp_path: Path) -> None:
    """Whatever part of the last group reached the disk: it is kept beside, counted, and positions go on before it."""
    whole = filled(tmp_path / "whole", [2, 3])
    intact = whole.segments()[0].stat().st_size
    for _ in range(2):
        whole.append(T0 + whole.last + 1, device(whole.last + 1))
    whole.close()
    content = whole.segments()[0].read_bytes()
    for size in range(intact, len(content)):
        directory = tmp_path / str(size)
        directory.mkdir()
        path = directory / whole.segments()[0].name
        path.write_bytes(content[:size])
        journal = opened(directory)
        assert journal.last == 5
        assert journal.torn == (1 if size > intact else 0)
        kept = sorted(directory.glob("*.torn"))
        assert [torn.read_bytes() for torn in kept] == ([content[intact:size]] if size > intact else [])
        assert path.stat().st_size == intact
        assert journal.append(T0 + 6, device(6)) == 6
        journal.write()
        assert positions(journal) == [1, 2, 3, 4, 5, 6]
        assert journal.lost == 0
        journal.close()
        shutil.rmtree(directory)


def test_any_flipped_bit_costs_its_group_only(tmp_path: Path) -> None:
    """With any one bit of a middle group turned over, that group is skipped and counted, and all others are read."""
    journal = filled(tmp_path, [2])
    path = journal.segments()[0]
    begin = path.stat().st_size
    for _ in range(3):
        journal.append(T0 + journal.last + 1, device(journal.last + 1))
    journal.write()
    end = path.stat().st_size
    journal.append(T0 + 6, device(6))
    journal.close()
    content, text = path.read_bytes(), plain(path)
    for place in range(begin, end):
        for bit in (1 << (place % 8), 0x80):
            rotten = bytearray(content)
            rotten[place] ^= bit
            path.write_bytes(rotten)
            again = opened(tmp_path)
            assert again.last == 6
            found = positions(again)
            if found == [1, 2, 3, 4, 5, 6]:  # a bit that zstd does not use: every zstd reader agrees
                assert place - begin >= LEAD_BYTES
                assert plain(path) == text
            else:
                assert found == [1, 2, 6]
                assert again.lost == 3
            assert positions(again, 5) == [6]
            assert again.lost == 0
            again.close()
    assert not list(tmp_path.glob("*.torn"))


def test_a_group_lost_at_the_end_of_a_closed_segment_is_counted(tmp_path: Path) -> None:
    """Damage that ends a segment shows as lost records once the next segment is read."""
    journal = filled(tmp_path, [4, 4, 4, 4], segment_bytes=1)
    journal.close()
    first, second, *_ = journal.segments()
    content = bytearray(second.read_bytes())
    content[-1] ^= 1
    second.write_bytes(content)
    again = opened(tmp_path)
    assert positions(again) == [1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15, 16]
    assert again.lost == 4
    again.close()
    assert first.exists()


def test_rubbish_between_groups_is_skipped(tmp_path: Path) -> None:
    """Bytes that are no group, even with our magic in them, cost nothing but themselves."""
    journal = filled(tmp_path, [2])
    path = journal.segments()[0]
    begin = path.stat().st_size
    journal.append(T0 + 3, device(3))
    journal.close()
    content = path.read_bytes()
    rubbish = os.urandom(50) + MAGIC + os.urandom(7) + MAGIC
    path.write_bytes(content[:begin] + rubbish + content[begin:])
    again = opened(tmp_path)
    assert positions(again) == [1, 2, 3]
    assert [part for part in read_groups(path) if isinstance(part, Damage)] == [Damage(begin, begin + len(rubbish))]
    again.close()


def test_a_frame_that_claims_to_be_enormous_is_damage(tmp_path: Path) -> None:
    """A group whose frame says it unpacks to gigabytes is not believed, and no memory is asked for."""
    bomb = zstandard.ZstdCompressor(level=1, write_checksum=True).compress(bytes(65 << 20) + b"\n")
    group = bytearray(pack_group(1, [b"{}"]))
    packed = pack_group(1, [b"\0" * (65 << 20)])
    path = tmp_path / "x"
    path.write_bytes(packed)
    assert list(read_groups(path)) == [Damage(0, len(packed))]
    assert len(bomb) < 10_000 < len(packed) + 10_000
    path.write_bytes(group)
    assert list(read_groups(path)) == [Group(1, 1, (b"{}",), len(group))]


def test_a_segment_with_only_its_header_continues(tmp_path: Path) -> None:
    """A process that died after beginning a segment: the next one goes on in it, with the right position."""
    journal = filled(tmp_path, [3])
    journal._begin(4)
    died(journal)
    assert len(journal.segments()) == 2
    again = opened(tmp_path)
    assert (again.last, again.last_t) == (3, T0 + 3)
    again.append(T0 + 4, device(4))
    again.write()
    assert len(again.segments()) == 2
    assert positions(again) == [1, 2, 3, 4]
    again.close()


@pytest.mark.parametrize("cut", [0, 1, 20, 40])
def test_a_segment_torn_in_its_header_is_begun_anew(tmp_path: Path, cut: int) -> None:
    """A header that never reached the disk whole is put aside, and records go on in the segment before."""
    journal = filled(tmp_path, [3])
    journal._begin(4)
    died(journal)
    path = journal.segments()[1]
    os.truncate(path, cut)
    again = opened(tmp_path)
    assert again.last == 3
    assert not path.exists()
    assert again.torn == (1 if cut else 0)
    again.append(T0 + 4, device(4))
    again.write()
    assert positions(again) == [1, 2, 3, 4]
    again.close()


def test_the_first_segment_of_all_may_be_torn_in_its_header(tmp_path: Path) -> None:
    """The very first start may die at once: the next one begins at position 1."""
    journal = opened(tmp_path)
    journal._begin(1)
    died(journal)
    for cut in (30, 0):
        os.truncate(journal.segments()[0], cut)
        again = opened(tmp_path)
        assert again.last == 0
        again.append(T0 + 1, device(1))
        again.close()
        assert positions(again) == [1]
        again.segments()[0].write_bytes(b"")
    assert not positions(opened_and_closed(tmp_path))


def test_a_record_of_another_version_is_passed_over(tmp_path: Path) -> None:
    """A whole group with a kind this version does not know stops neither opening nor reading; the record is counted."""
    journal = filled(tmp_path, [2])
    journal._pending = [b'{"t":"2026-11-21T06:42:11.000003Z","kind":"hologram"}']
    journal.last = 3
    journal.close()
    again = opened(tmp_path)
    assert again.last == 3
    again.append(T0 + 4, device(4))
    again.write()
    assert positions(again) == [1, 2, 4]
    assert again.lost == 1
    again.close()


def test_a_write_the_disk_refuses_leaves_no_half_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a refused write the file is what it was, and the group can be written when there is room again."""
    journal = filled(tmp_path, [2])
    path = journal.segments()[0]
    before = path.read_bytes()
    journal.append(T0 + 3, device(3))
    write = os.write

    def half(file: int, content: bytes) -> int:
        if len(content) < 30:
            raise OSError(28, "No space left on device")
        return write(file, content[: len(content) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        journal.write()
    assert path.read_bytes() == before
    monkeypatch.undo()
    journal.write()
    assert positions(journal) == [1, 2, 3]
    journal.close()
    assert len(plain(path).splitlines()) == 4


def test_positions_skip_what_the_ledger_already_holds(tmp_path: Path) -> None:
    """After `skip` a new segment begins behind the position, and the hole counts as lost."""
    journal = filled(tmp_path, [2])
    journal.skip(9)
    assert journal.append(T0 + 10, device(10)) == 10
    journal.write()
    assert positions(journal) == [1, 2, 10]
    assert journal.lost == 7
    assert [int(path.name.removesuffix(SUFFIX)) for path in journal.segments()] == [1, 10]
    journal.close()
    assert opened_and_closed(tmp_path).last == 10


def test_crashes_are_counted_by_position_and_survive(tmp_path: Path) -> None:
    """The second failure at a position quarantines it; what was announced stays announced; rubbish counts as none."""
    crashes = Crashes.open(tmp_path)
    assert crashes.note(7, "boom") == 1
    assert crashes.quarantined == frozenset()
    again = Crashes.open(tmp_path)
    assert again.note(7, "bang") == 2
    again.note(8, "once")
    third = Crashes.open(tmp_path)
    assert third.quarantined == {7}
    assert third.unannounced() == [(7, "bang")]
    third.announced(7)
    assert Crashes.open(tmp_path).unannounced() == []
    assert Crashes.open(tmp_path).quarantined == {7}
    (tmp_path / "crashes.json").write_bytes(b'{"positions":{"x')
    assert Crashes.open(tmp_path).quarantined == frozenset()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """Two processes never write one journal, whatever database they use."""
    journal = opened(tmp_path)
    with pytest.raises(JournalError, match="another process"):
        opened(tmp_path)
    journal.close()
    opened(tmp_path).close()


def test_a_journal_belongs_to_its_gateway(tmp_path: Path) -> None:
    """A state directory under another site or gateway id is refused: its positions would mean something else."""
    filled(tmp_path, [2]).close()
    with pytest.raises(JournalError, match="belongs to north/gw1; give north/gw2 a"):
        Journal.open(tmp_path, site="north", gateway="gw2")


def test_a_group_larger_than_a_reader_takes_is_divided(tmp_path: Path) -> None:
    """However much is written at once, every record comes back: groups are cut before they are too large."""
    journal = opened(tmp_path)
    for position in range(1, 6):
        journal.append(T0 + position, Downlink("down/asn/A", text="x" * (5 << 20)))
    journal.write()
    assert [record.position for record in journal.read(0)] == [1, 2, 3, 4, 5]
    assert len([part for part in read_groups(journal.segments()[0]) if isinstance(part, Group)]) > 2
    journal.close()
    again = opened(tmp_path)
    assert (again.last, again.torn) == (5, 0)
    again.close()
