"""Register maps: which Modbus registers hold which quantity, and what their bits mean.

Addresses are the 0-based addresses of the PDU (MODBUS Application Protocol V1.1b3 §4.4): the document's 30001 or
40001 is 0 here. Orders name the four bytes as they arrive on the wire, A being the most significant; for 64 bit the
same rule goes on (CDAB: words reversed; BADC: bytes swapped in each word; DCBA: both).
"""

import math
import struct
from collections.abc import Sequence
from decimal import Context, Decimal

from msgspec import Struct

MAX_REGISTERS = 125
"""Registers one request may ask for (V1.1b3 §6.3, §6.4)."""
MAX_BITS = 2000
"""Coils or discrete inputs one request may ask for (V1.1b3 §6.1, §6.2)."""

TABLES = ("coil", "discrete", "holding", "input")
ORDERS = ("ABCD", "DCBA", "BADC", "CDAB")
_FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float16": ">e",
    "float32": ">f",
    "float64": ">d",
}
TYPES = (*_FORMATS, "bool", "bit")
_FLOAT_DIGITS = {"float16": (3, 5), "float32": (6, 9)}  # decimal digits that always/at most name one binary value
_EXACT = Context(prec=60)  # 20 digits of a uint64 times 17 of a scale, with room to add an offset

Decoded = tuple["Field", float | None, str]
"""A field, its value (None when bad), its quality: good, bad or out_of_range."""


class Field(Struct, frozen=True, kw_only=True):
    """One quantity in one table: value = raw × scale + offset, in `unit` (UCUM: `Cel`, `%`; `1` is a bare number).

    `bool` is a coil or discrete input, or a register that is not 0; `bit` picks bit 0–15 of a register (0 is the least
    significant), as does `bit` with bool or an unsigned type. Both read as 0.0 or 1.0. `valid` is the inclusive range
    of the scaled value; `invalid_raw` are raw patterns by which the sensor says "no value" (0x7FFF, -1 for all ones).
    `expect` makes the field a canary: a constant whose raw pattern must be this, else the reply is somebody else's and
    the whole block is bad; a canary is never a measurement.

    Raises:
        ValueError: a combination that cannot be read; the text names the field and what would be right.
    """

    name: str
    table: str = "holding"
    address: int
    type: str = "uint16"
    order: str = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    unit: str = "1"
    valid: tuple[float, float] | None = None
    invalid_raw: tuple[int, ...] = ()
    bit: int | None = None
    expect: int | None = None

    def __post_init__(self) -> None:
        wrong = _wrong(self)
        if wrong:
            raise ValueError(f"field {self.name!r}: {wrong}")

    @property
    def width(self) -> int:
        """Registers (or bits of a coil or discrete table) the field takes."""
        return struct.calcsize(_FORMATS[self.type]) // 2 if self.type in _FORMATS else 1


class Profile(Struct, frozen=True):
    """The register map of a kind of device, by name."""

    id: str
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"profile {self.id!r}: field names must differ; twice: {', '.join(doubled)}")
        if not names:
            raise ValueError(f"profile {self.id!r}: needs at least one field")


class Block(Struct, frozen=True):
    """One request: `count` registers (or bits) of `table` from `address`, and the fields inside."""

    table: str
    address: int
    count: int
    fields: tuple[Field, ...]


def plan(profile: Profile, max_registers: int = MAX_REGISTERS, max_gap: int = 0) -> tuple[Block, ...]:
    """Group the fields of `profile` into as few requests as the limits allow; a field is never split.

    `max_gap` is how many unused registers a request may bridge; 0, the safe default, merges neighbours only, because
    many devices refuse a request that touches an address they do not have.

    Raises:
        ValueError: `max_registers` outside 4–125 or a negative `max_gap`.
    """
    if not 4 <= max_registers <= MAX_REGISTERS:
        raise ValueError(f"max_registers must be 4–{MAX_REGISTERS}, not {max_registers}")
    if max_gap < 0:
        raise ValueError(f"max_gap must not be negative, not {max_gap}")
    blocks: list[Block] = []
    for table in TABLES:
        limit = max_registers if table in ("holding", "input") else MAX_BITS
        fields = sorted((f for f in profile.fields if f.table == table), key=lambda f: (f.address, -f.width))
        run: list[Field] = []
        end = 0
        for field in fields:
            field_end = field.address + field.width
            fits = run and field.address - end <= max_gap and max(end, field_end) - run[0].address <= limit
            if run and not fits:
                blocks.append(Block(table, run[0].address, end - run[0].address, tuple(run)))
                run, end = [], 0
            run.append(field)
            end = max(end, field_end)
        if run:
            blocks.append(Block(table, run[0].address, end - run[0].address, tuple(run)))
    return tuple(blocks)


def split(block: Block) -> tuple[Block, ...]:
    """Ask for each field by itself: what to do when a device refuses the merged request (exception 02).

    Canaries stay behind: they guard the block they stood in.
    """
    wanted = (field for field in block.fields if field.expect is None)
    return tuple(Block(block.table, field.address, field.width, (field,)) for field in wanted)


def foreign(block: Block, registers: Sequence[int]) -> Field | None:
    """The first canary of `block` that differs in this reply of the right length: the reply is not this request's."""
    for field in block.fields:
        if field.expect is not None and _pattern(field, block, registers) != _masked(field, field.expect):
            return field
    return None


def decode(block: Block, registers: Sequence[int]) -> list[Decoded]:
    """Read the fields of a reply. Never raises: what cannot be trusted is None with quality bad.

    A reply of another length than asked for, or one whose canary differs, makes every field bad. A value outside
    `valid` is kept, with quality out_of_range.
    """
    if len(registers) != block.count or not all(0 <= word <= 0xFFFF for word in registers) or foreign(block, registers):
        return unread(block)
    wanted = (field for field in block.fields if field.expect is None)
    return [(field, *_value(field, _pattern(field, block, registers))) for field in wanted]


def unread(block: Block) -> list[Decoded]:
    """The fields of a block that was not answered: no value, quality bad."""
    return [(field, None, "bad") for field in block.fields if field.expect is None]


def _wrong(field: Field) -> str:
    numbers = (field.scale, field.offset, *(field.valid or ()))
    bits_only = field.table in ("coil", "discrete")
    checks = (
        (not field.name, "needs a name"),
        (field.table not in TABLES, f"table must be one of {', '.join(TABLES)}, not {field.table!r}"),
        (field.type not in TYPES, f"type must be one of {', '.join(TYPES)}, not {field.type!r}"),
        (field.order not in ORDERS, f"order must be one of {', '.join(ORDERS)}, not {field.order!r}"),
        (
            bits_only and (field.type, field.bit) != ("bool", None),
            f"a {field.table} holds one bit: its type must be bool, without bit",
        ),
        (field.type == "bit" and field.bit is None, "type bit needs bit = 0–15"),
        (
            field.bit is not None and field.type not in ("bit", "bool", "uint16", "uint32"),
            "bit needs type bit or an unsigned one",
        ),
        (not all(math.isfinite(number) for number in numbers), "scale, offset and valid must be finite numbers"),
        (field.scale == 0, "scale must not be 0"),
        (field.valid is not None and field.valid[0] > field.valid[1], "valid must be [low, high]"),
    )
    for wrong, text in checks:
        if wrong:
            return text
    if not 0 <= field.address <= 0x10000 - field.width:
        return f"address must be 0–{0x10000 - field.width} (0-based: the document's 30001 or 40001 is 0)"
    if field.bit is not None and not 0 <= field.bit < 16 * field.width:
        return f"bit must be 0–{16 * field.width - 1}, not {field.bit}"
    return ""


def _masked(field: Field, raw: int) -> int:
    """A pattern as a configuration may write it (-1 for all ones), as the unsigned one on the wire."""
    return raw & ((1 << 16 * field.width) - 1)


def _pattern(field: Field, block: Block, registers: Sequence[int]) -> int:
    """The field's bits as one unsigned integer, in the order A, B, C, D."""
    start = field.address - block.address
    words = list(registers[start : start + field.width])
    if field.order in ("DCBA", "CDAB"):
        words.reverse()
    if field.order in ("DCBA", "BADC"):
        words = [(word & 0xFF) << 8 | word >> 8 for word in words]
    pattern = 0
    for word in words:
        pattern = pattern << 16 | word
    return pattern


def _value(field: Field, pattern: int) -> tuple[float | None, str]:
    if any(pattern == _masked(field, invalid) for invalid in field.invalid_raw):
        return None, "bad"
    raw = _raw(field, pattern)
    if raw is None:
        return None, "bad"
    scaled = _EXACT.add(_EXACT.multiply(raw, Decimal(str(field.scale))), Decimal(str(field.offset)))
    value = float(scaled) + 0.0  # no negative zero
    if not math.isfinite(value):
        return None, "bad"
    if field.valid is not None and not field.valid[0] <= value <= field.valid[1]:
        return value, "out_of_range"
    return value, "good"


def _raw(field: Field, pattern: int) -> Decimal | None:
    """The unscaled value as a decimal; None for NaN and infinities."""
    if field.bit is not None:
        return Decimal(pattern >> field.bit & 1)
    if field.type == "bool":
        return Decimal(pattern != 0)
    layout = _FORMATS[field.type]
    wire = pattern.to_bytes(2 * field.width, "big")
    (number,) = struct.unpack(layout, wire)
    if isinstance(number, int):
        return Decimal(number)
    return Decimal(_shortest(number, field.type)) if math.isfinite(number) else None


def _shortest(number: float, kind: str) -> str:
    """The shortest decimal that names this binary number: a float32 of 21.7 reads 21.7, not 21.700000762939453."""
    if kind not in _FLOAT_DIGITS:
        return repr(number)
    layout, (fewest, most) = _FORMATS[kind], _FLOAT_DIGITS[kind]
    for digits in range(fewest, most):
        text = f"{number:.{digits}g}"
        try:
            if struct.unpack(layout, struct.pack(layout, float(text)))[0] == number:
                return text
        except OverflowError:  # rounded up past the largest float of the kind
            continue
    return f"{number:.{most}g}"
