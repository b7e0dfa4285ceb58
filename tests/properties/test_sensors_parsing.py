"""Properties of the pure sensor parts: split invariance, never raising, decode after encode."""

import itertools
import math
import struct
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.sensors.dialects import LONGEST, AndIndicator, Display
from gateway.sensors.registers import TYPES, Block, Field, Profile, decode, plan

LAYOUTS = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q",
    "float16": ">e", "float32": ">f", "float64": ">d",
}  # fmt: skip
ORDERS = st.sampled_from(["ABCD", "DCBA", "BADC", "CDAB"])
WIDTHS = {kind: struct.calcsize(layout) // 2 for kind, layout in LAYOUTS.items()}


def encode(layout: str, order: str, number: float | int) -> list[int]:
    """The reference encoder, from the field's words: how a device lays a number into registers."""
    wire = struct.pack(layout, number)
    words = [wire[at : at + 2] for at in range(0, len(wire), 2)]
    if order in ("CDAB", "DCBA"):
        words = words[::-1]
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return [int.from_bytes(word, "big") for word in words]


frames = st.builds(
    lambda h1, h2, sign, digits, point, unit: (
        f"{h1},{h2},{sign}{(digits[:point] + '.' + digits[point:])[:7]}{unit}\r\n".encode()
    ),
    st.sampled_from(["ST", "US", "QT", "OL", "LO"]),
    st.sampled_from(["GS", "NT", "TR", "PT"]),
    st.sampled_from("+-"),
    st.text("0123456789 ", min_size=7, max_size=7),
    st.integers(1, 6),
    st.sampled_from(["kg", " g", "lb", " t", "  "]),
)
streams = st.lists(st.one_of(frames, st.binary(max_size=40), st.just(b"\r\n"), st.just(b"\r")), max_size=12).map(
    b"".join
)


@given(streams, st.lists(st.integers(0, 400), max_size=20))
def test_sensors_dialect_is_split_invariant(stream: bytes, cuts: list[int]) -> None:
    """However the stream is cut, the displays and the count of rejected lines are the same."""
    whole, pieces = AndIndicator(), AndIndicator()
    whole.receive_data(stream)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    got: list[Display] = []
    for start, end in itertools.pairwise(edges):
        pieces.receive_data(stream[start:end])
        got += pieces.frames()
    assert got == whole.frames()
    assert (pieces.rejected, pieces._line) == (whole.rejected, whole._line)


@given(st.binary(max_size=4000))
def test_sensors_dialect_never_raises(garbage: bytes) -> None:
    """No bytes make it raise, keep more than a line, or show a number that is none."""
    dialect = AndIndicator()
    dialect.receive_data(garbage)
    for display in dialect.frames():
        assert (display.value is None) == (display.condition != "ok")
    assert len(dialect._line) <= LONGEST


@given(frames, st.integers(0, 17), st.integers(0, 7))
def test_sensors_dialect_survives_a_flipped_bit(frame: bytes, place: int, bit: int) -> None:
    """A flipped bit costs at most the frame it hits and the line end beside it; the next frame is read."""
    bad = bytearray(frame)
    bad[place % len(bad)] ^= 1 << bit
    dialect = AndIndicator()
    dialect.receive_data(bytes(bad) + b"\r\nST,GS,+0123.45kg\r\n")
    assert dialect.frames()[-1] == Display("123.45", "kg", True)


@given(st.decimals(-9999, 9999, places=2))
def test_sensors_dialect_shows_the_displayed_digits(weight: Decimal) -> None:
    """The value is the displayed decimal, trailing zeros included."""
    dialect = AndIndicator()
    dialect.receive_data(f"ST,GS,{'-' if weight < 0 else '+'}{abs(weight):07.2f}kg\r\n".encode())
    (display,) = dialect.frames()
    assert display.value == f"{weight if weight else abs(weight):.2f}"


@given(st.data(), st.sampled_from(sorted(LAYOUTS)), ORDERS, st.integers(0, 100))
def test_sensors_registers_decode_inverts_encode(data: st.DataObject, kind: str, order: str, address: int) -> None:
    """What a device encodes is what the map reads, for every type and order, at any address."""
    layout = LAYOUTS[kind]
    size = struct.calcsize(layout) * 8
    if kind.startswith("float"):
        number: float | int = data.draw(st.floats(width=size, allow_nan=False, allow_infinity=False))
    else:
        signed = kind.startswith("int")
        number = data.draw(
            st.integers(-(2 ** (size - 1)), 2 ** (size - 1) - 1) if signed else st.integers(0, 2**size - 1)
        )
    field = Field(name="x", address=address, type=kind, order=order)
    block = Block("holding", address, field.width, (field,))
    ((_, value, quality),) = decode(block, encode(layout, order, number))
    assert quality == "good"
    assert value is not None
    if kind.startswith("float"):
        assert struct.pack(layout, value) == struct.pack(layout, number + 0.0)
    else:
        assert value == float(number)


fields = st.builds(
    lambda kind, address, order, scale, offset, table: Field(
        name=f"{table}-{kind}-{address}",
        table=table,
        address=address,
        type=kind,
        order=order,
        scale=scale,
        offset=offset,
    ),
    st.sampled_from([kind for kind in TYPES if kind != "bit"]),
    st.integers(0, 300),
    ORDERS,
    st.floats(allow_nan=False, allow_infinity=False).filter(bool),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["holding", "input"]),
)
profiles = st.lists(fields, min_size=1, max_size=30, unique_by=lambda field: field.name).map(
    lambda chosen: Profile("p", tuple(chosen))
)


@given(profiles, st.integers(4, 125), st.integers(0, 20))
def test_sensors_registers_plan_covers_each_field_once(profile: Profile, most: int, gap: int) -> None:
    """Every field is in exactly one block, whole; no block is over the limit or bridges more than the gap."""
    blocks = plan(profile, most, gap)
    assert sorted(field.name for block in blocks for field in block.fields) == sorted(f.name for f in profile.fields)
    for block in blocks:
        assert block.count <= most
        used: set[int] = set()
        for field in block.fields:
            assert field.table == block.table
            used |= set(range(field.address, field.address + field.width))
        assert min(used) == block.address
        assert max(used) == block.address + block.count - 1
        holes = sorted(used)
        assert all(after - before - 1 <= gap for before, after in itertools.pairwise(holes))


@given(profiles, st.data())
def test_sensors_registers_decode_never_raises(profile: Profile, data: st.DataObject) -> None:
    """Whatever the registers hold and however many there are, each field gets a finite value or none at all."""
    for block in plan(profile):
        count = data.draw(st.sampled_from([block.count, block.count, max(block.count - 1, 0)]))
        registers = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=count, max_size=count))
        decoded = decode(block, registers)
        assert [field for field, _, _ in decoded] == list(block.fields)
        for _, value, quality in decoded:
            assert (value is None) == (quality == "bad")
            assert value is None or math.isfinite(value)
