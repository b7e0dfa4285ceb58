"""Register maps: grouping into requests, byte orders, scaling, and what counts as no value."""

import struct

import pytest

from gateway.sensors.registers import Block, Field, Profile, decode, foreign, plan, split, unread

XY_MD02 = Profile(
    "xy-md02",
    (
        Field(name="temperature", table="input", address=1, type="int16", scale=0.1, unit="Cel", valid=(-40.0, 85.0)),
        Field(name="humidity", table="input", address=2, type="uint16", scale=0.1, unit="%", valid=(0.0, 100.0)),
    ),
)


def one(field: Field, *registers: int) -> tuple[float | None, str]:
    """Value and quality of one field whose registers hold this."""
    block = Block(field.table, field.address, field.width, (field,))
    ((_, value, quality),) = decode(block, registers)
    return value, quality


def spans(profile: Profile, **limits: int) -> list[tuple[str, int, int]]:
    """The requests of a plan: table, address, count."""
    return [(block.table, block.address, block.count) for block in plan(profile, **limits)]


def test_sensors_registers_scaled_value_is_the_decimal_a_person_expects() -> None:
    """38 × 0.1 is 3.8 and not 3.8000000000000003, for every raw value of a tenth-degree sensor."""
    field = Field(name="t", address=0, type="int16", scale=0.1)
    for raw in range(-400, 851):
        assert one(field, raw & 0xFFFF) == (float(f"{raw / 10:.1f}"), "good")
    assert one(field, 38) == (3.8, "good")


@pytest.mark.parametrize(
    ("order", "wire"),
    [("ABCD", "41ad999a"), ("DCBA", "9a99ad41"), ("BADC", "ad419a99"), ("CDAB", "999a41ad")],
)
def test_sensors_registers_float32_in_the_four_orders(order: str, wire: str) -> None:
    """21.7 arrives in each byte order of the field's documents and reads 21.7, without binary noise."""
    registers = struct.unpack(">2H", bytes.fromhex(wire))
    assert one(Field(name="t", address=0, type="float32", order=order), *registers) == (21.7, "good")


@pytest.mark.parametrize(
    ("order", "wire"),
    [
        ("ABCD", "0102030405060708"),
        ("DCBA", "0807060504030201"),
        ("BADC", "0201040306050807"),
        ("CDAB", "0708050603040102"),
    ],
)
def test_sensors_registers_64_bit_in_the_four_orders(order: str, wire: str) -> None:
    """The orders go on to four words as the module says."""
    registers = struct.unpack(">4H", bytes.fromhex(wire))
    field = Field(name="n", address=0, type="uint64", order=order)
    assert one(field, *registers) == (float(0x0102030405060708), "good")


@pytest.mark.parametrize(
    ("kind", "registers", "value"),
    [
        ("int16", (0xFFFF,), -1.0),
        ("uint16", (0xFFFF,), 65535.0),
        ("int32", (0xFFFF, 0xFFFE), -2.0),
        ("uint32", (0x0001, 0x0000), 65536.0),
        ("int64", (0x8000, 0, 0, 0), -(2.0**63)),
        ("uint64", (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF), 2.0**64),
        ("float16", (0x3266,), 0.2),
        ("float64", (0x400E, 0x6666, 0x6666, 0x6666), 3.8),
        ("bool", (0,), 0.0),
        ("bool", (7,), 1.0),
    ],
)
def test_sensors_registers_types(kind: str, registers: tuple[int, ...], value: float) -> None:
    """Each type reads its textbook pattern."""
    assert one(Field(name="x", address=0, type=kind), *registers) == (value, "good")


def test_sensors_registers_bits_of_a_status_word() -> None:
    """Bit 0 is the least significant; an unsigned type with `bit` is the same thing."""
    assert one(Field(name="a", address=6, type="bit", bit=3), 0b1000) == (1.0, "good")
    assert one(Field(name="a", address=6, type="bit", bit=2), 0b1000) == (0.0, "good")
    assert one(Field(name="a", address=6, type="bool", bit=0), 0b1000) == (0.0, "good")
    assert one(Field(name="a", address=6, type="uint16", bit=15), 0x8000) == (1.0, "good")
    assert one(Field(name="a", address=6, type="uint32", bit=16), 0x0001, 0x0000) == (1.0, "good")


def test_sensors_registers_low_byte_first_register() -> None:
    """A 16-bit value with its bytes swapped reads through the orders that swap bytes."""
    for order, value in (("ABCD", 0x0102), ("CDAB", 0x0102), ("DCBA", 0x0201), ("BADC", 0x0201)):
        assert one(Field(name="x", address=0, order=order), 0x0102) == (float(value), "good")


@pytest.mark.parametrize(
    ("field", "registers"),
    [
        (Field(name="t", address=0, type="int16", scale=0.1, invalid_raw=(0x7FFF, 0x8000)), (0x8000,)),
        (Field(name="t", address=0, type="int16", invalid_raw=(-1,)), (0xFFFF,)),
        (Field(name="t", address=0, type="float32"), (0x7FC0, 0)),
        (Field(name="t", address=0, type="float32"), (0x7F80, 0)),
        (Field(name="t", address=0, type="float64"), (0xFFF0, 0, 0, 0)),
        (Field(name="t", address=0, type="float64", scale=1e10), (0x7FEF, 0xFFFF, 0xFFFF, 0xFFFF)),
    ],
    ids=["invalid_raw", "invalid_raw -1", "NaN", "+inf", "-inf", "beyond float"],
)
def test_sensors_registers_no_value(field: Field, registers: tuple[int, ...]) -> None:
    """What the sensor marks as no value, and what is no number, is bad and has no value."""
    assert one(field, *registers) == (None, "bad")


def test_sensors_registers_outside_valid_keeps_its_value() -> None:
    """A value outside the valid range is out_of_range and still shown; the limits themselves are inside."""
    field = Field(name="t", address=0, type="int16", scale=0.1, valid=(-40.0, 85.0))
    assert one(field, 850) == (85.0, "good")
    assert one(field, 851) == (85.1, "out_of_range")
    assert one(field, -400 & 0xFFFF) == (-40.0, "good")
    assert one(field, -401 & 0xFFFF) == (-40.1, "out_of_range")


def test_sensors_registers_offset_and_zero() -> None:
    """Scale multiplies, offset is added after, and zero has no sign."""
    assert one(Field(name="t", address=0, scale=0.01, offset=-273.15), 27695) == (3.8, "good")
    value, _ = one(Field(name="t", address=0, type="int16", scale=-0.1), 0)
    assert str(value) == "0.0"


def test_sensors_registers_reply_of_another_length_is_all_bad() -> None:
    """Too short, too long or not made of 16-bit words: no field of the block has a value."""
    (block,) = plan(XY_MD02)
    for registers in ([], [38], [38, 500, 1], [38, 70000], [-1, 500]):
        assert decode(block, registers) == unread(block)
    assert [value for _, value, _ in decode(block, [38, 500])] == [3.8, 50.0]


def test_sensors_registers_canary_guards_its_block() -> None:
    """A canary that differs makes the block bad; it is itself no measurement."""
    fields = (Field(name="model", address=0, expect=0x1234), Field(name="t", address=1))
    (block,) = plan(Profile("p", fields))
    assert [(field.name, value) for field, value, _ in decode(block, [0x1234, 5])] == [("t", 5.0)]
    assert decode(block, [0x1235, 5]) == [(fields[1], None, "bad")]
    assert foreign(block, [0x1235, 5]) is fields[0]
    assert [part.fields for part in split(block)] == [(fields[1],)]


def test_sensors_registers_plan_merges_neighbours_only_by_default() -> None:
    """Contiguous fields share a request; a hole begins another unless `max_gap` bridges it; tables never mix."""
    profile = Profile(
        "p",
        (
            Field(name="c", address=5),
            Field(name="a", address=0, type="float32"),
            Field(name="b", address=2),
            Field(name="door", table="discrete", address=0, type="bool"),
            Field(name="i", table="input", address=3),
        ),
    )
    assert spans(profile) == [("discrete", 0, 1), ("holding", 0, 3), ("holding", 5, 1), ("input", 3, 1)]
    assert spans(profile, max_gap=1) == [("discrete", 0, 1), ("holding", 0, 3), ("holding", 5, 1), ("input", 3, 1)]
    assert spans(profile, max_gap=2) == [("discrete", 0, 1), ("holding", 0, 6), ("input", 3, 1)]


def test_sensors_registers_plan_never_splits_a_field() -> None:
    """A request ends before a field that does not fit whole."""
    fields = tuple(Field(name=f"f{n}", address=2 * n, type="float32") for n in range(100))
    assert spans(Profile("p", fields)) == [("holding", 0, 124), ("holding", 124, 76)]
    assert spans(Profile("p", fields[:4]), max_registers=5) == [("holding", 0, 4), ("holding", 4, 4)]


def test_sensors_registers_plan_overlapping_fields_share_one_register() -> None:
    """The bits of a status word cost one register."""
    fields = tuple(Field(name=f"b{n}", address=9, type="bit", bit=n) for n in range(16))
    assert spans(Profile("p", fields)) == [("holding", 9, 1)]


@pytest.mark.parametrize("limits", [{"max_registers": 3}, {"max_registers": 126}, {"max_gap": -1}])
def test_sensors_registers_plan_refuses_impossible_limits(limits: dict[str, int]) -> None:
    """Limits a request cannot keep are refused by name."""
    with pytest.raises(ValueError, match=next(iter(limits))):
        plan(XY_MD02, **limits)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"name": ""}, "name"),
        ({"table": "holdings"}, "table must be one of"),
        ({"type": "int24"}, "type must be one of"),
        ({"order": "ACBD"}, "order must be one of"),
        ({"table": "coil"}, "must be bool"),
        ({"table": "coil", "type": "bool", "bit": 0}, "without bit"),
        ({"type": "bit"}, "needs bit"),
        ({"type": "bit", "bit": 16}, "bit must be 0–15"),
        ({"type": "float32", "bit": 1}, "unsigned"),
        ({"scale": 0.0}, "scale must not be 0"),
        ({"scale": float("nan")}, "finite"),
        ({"valid": (5.0, 1.0)}, "low, high"),
        ({"address": 65535, "type": "float32"}, "0-based"),
        ({"address": -1}, "0-based"),
    ],
)
def test_sensors_registers_impossible_fields_are_refused(settings: dict[str, object], text: str) -> None:
    """A field that cannot be read is refused when the map is made, with its name and what would be right."""
    with pytest.raises(ValueError, match=text):
        Field(**{"name": "x", "address": 0, **settings})  # type: ignore[arg-type]


def test_sensors_registers_profiles_need_distinct_names() -> None:
    """Two fields of one name, or none at all, make no profile."""
    field = Field(name="t", address=0)
    with pytest.raises(ValueError, match="twice: t"):
        Profile("p", (field, field))
    with pytest.raises(ValueError, match="at least one"):
        Profile("p", ())
