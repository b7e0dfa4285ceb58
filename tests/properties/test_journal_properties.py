"""Properties of the journal: what is appended, written and reopened reads back; lines round-trip, rubbish does not."""

import contextlib
import string
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal import Journal, records
from gateway.model import inputs
from gateway.model.facts import Facts, FactsRecord
from gateway.model.inputs import Input
from gateway.model.times import LATEST, parse_rfc3339, rfc3339

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INTEGER = st.integers(-(2**63), 2**63 - 1)
AT = st.none() | st.integers(0, LATEST)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | INTEGER | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=4)
ROW = st.tuples(AT, st.integers(0, 64), st.text(string.hexdigits, max_size=24), NUMBER)
READS = st.lists(ROW, max_size=5).map(tuple)

ITEMS: st.SearchStrategy[Input | FactsRecord] = st.one_of(
    st.builds(inputs.Reads, TEXT, READS, st.just(("at", "antenna", "epc", "rssi"))),
    st.builds(inputs.Read, TEXT, INTEGER, TEXT, AT, st.none() | NUMBER, st.none() | INTEGER),
    st.builds(inputs.Gpi, TEXT, INTEGER, st.booleans(), AT),
    st.builds(inputs.Weighing, TEXT, st.none() | TEXT, TEXT, st.none() | st.booleans(), TEXT, TEXT, AT),
    st.builds(inputs.Measurement, TEXT, TEXT, st.none() | NUMBER, TEXT, TEXT, AT),
    st.builds(inputs.Device, TEXT, TEXT, TEXT),
    st.just(inputs.Tick()),
    st.builds(inputs.Boot, TEXT, TEXT, TEXT),
    st.builds(inputs.Config, TEXT),
    st.builds(inputs.Downlink, TEXT, JSON, st.none() | TEXT),
    st.builds(inputs.Command, TEXT, OBJECT, TEXT),
    st.builds(FactsRecord, st.builds(Facts, documents=st.dictionaries(TEXT, INTEGER, max_size=3)), INTEGER),
)


@given(st.integers(0, LATEST), ITEMS)
def test_a_record_round_trips(t: int, item: Input | FactsRecord) -> None:
    """Decoding an encoded record gives its stamp and input, and encoding that again the same bytes, on one line."""
    line = records.encode(t, item)
    assert b"\n" not in line
    assert records.decode(line) == (t, item)
    assert records.encode(*records.decode(line)) == line


@given(st.integers(0, LATEST), ITEMS)
def test_a_record_may_be_written_in_any_style(t: int, item: Input | FactsRecord) -> None:
    """Another key order, spaces, and unknown keys do not change what a line says."""
    members = msgspec.json.decode(records.encode(t, item))
    turned = dict(reversed(members.items())) | {"comment": [1, {"deep": None}]}
    assert records.decode(msgspec.json.format(msgspec.json.encode(turned), indent=-1)) == (t, item)
    assert records.decode(b" " + msgspec.json.format(msgspec.json.encode(turned), indent=1)) == (t, item)


@given(st.integers(0, LATEST))
def test_an_instant_round_trips(us: int) -> None:
    """An instant from 1970 to 9999 has a text form of 27 characters, and back."""
    text = rfc3339(us)
    assert len(text) == 27
    assert parse_rfc3339(text) == us
    assert parse_rfc3339(text.replace("Z", "+00:00")) == us


LINES = st.one_of(
    st.binary(max_size=80),
    TEXT.map(str.encode),
    JSON.map(msgspec.json.encode),
    st.dictionaries(st.sampled_from(["t", "kind", "reads", "reader", "columns", "payload", "topic", "at"]), JSON).map(
        msgspec.json.encode
    ),
    st.tuples(ITEMS, st.integers(0, 200), st.binary(max_size=3)).map(
        lambda it: (line := records.encode(0, it[0]))[: it[1]] + it[2] + line[it[1] + len(it[2]) :]
    ),
    st.sampled_from([b"[" * 5000, b'{"t":' * 5000, b'{"kind":"downlink","topic":"","payload":' + b"[" * 9000]),
    st.tuples(TEXT, ITEMS).map(
        lambda it: msgspec.json.encode(msgspec.json.decode(records.encode(0, it[1])) | {"t": it[0]})
    ),
)


@given(LINES)
def test_rubbish_is_a_value_error(line: bytes) -> None:
    """A line that is no record raises ValueError and nothing else; one that is can be written again."""
    try:
        t, item = records.decode(line)
    except ValueError:
        pass
    else:
        assert records.decode(records.encode(max(0, t), item))[1] == item
    with contextlib.suppress(ValueError):
        records.decode_header(line)


STEPS = st.lists(st.one_of(ITEMS, st.sampled_from(["write", "reopen", "kill", "prune"])), max_size=40)


@settings(max_examples=60)
@given(STEPS, st.sampled_from([1, 300, 1 << 20]))
def test_any_life_of_a_journal_reads_back(steps: list[Any], segment_bytes: int) -> None:
    """Over appends, writes, clean and unclean ends and prunings the journal is the list of what was written."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)

        def opened() -> Journal:
            return Journal.open(directory, site="s", gateway="g", segment_bytes=segment_bytes)

        journal = opened()
        written: list[tuple[int, Any]] = []
        pending: list[tuple[int, Any]] = []
        pruned = 0
        for number, step in enumerate(steps):
            if step == "write":
                journal.write()
                written, pending = written + pending, []
            elif step == "reopen":
                journal.close()
                written, pending = written + pending, []
                journal = opened()
            elif step == "kill":
                journal._pending, pending = [], []
                journal.close()
                journal = opened()
            elif step == "prune":
                before = len(journal.segments())
                journal.prune(len(written), keep=2)
                assert len(journal.segments()) >= min(2, before)
                pruned = next((record.position for record in journal.read(0)), pruned + 1) - 1
            else:
                pending.append((number, step))
                assert journal.append(number, step) == len(written) + len(pending)
            assert journal.last == len(written) + len(pending)
        found = [(record.position, record.t, record.item) for record in journal.read(pruned)]
        assert found == [(place, *one) for place, one in enumerate(written, 1)][pruned:]
        assert (journal.torn, journal.lost) == (0, 0)
        journal.close()
