"""A shift as at a site whose serial numbers are drawn at random, as those of medicines are: reads, documents, truth.

Our generator labels the cases of a pallet one after the other, as a packing line does, and the rules make much of that.
"""

import hashlib
import re
from typing import Any

import msgspec

from simulators.rf import Shift

SERIAL = (1 << 38) - 1
"""The serial number in an SGTIN-96 (TDS 2.3 §14.6.1): its last 38 bits."""

SGTIN_96 = re.compile(r"\b30[0-9A-F]{22}\b")


def at_random(made: Shift) -> Shift:
    """The same shift; each SGTIN-96 has a hash of itself as its serial number, and documents name each by it."""
    truth = msgspec.json.encode(made.truth).decode()
    by_serial = {int(hex_, 16) & SERIAL: hex_ for hex_ in SGTIN_96.findall(truth)}

    def renamed(record: dict[str, Any]) -> dict[str, Any]:
        if record["kind"] == "reads":
            place = record["columns"].index("epc")
            rows = [(*row[:place], _drawn(row[place]), *row[place + 1 :]) for row in record["reads"]]
            return record | {"reads": rows}
        if record["kind"] == "downlink":
            payload = record["payload"]
            units = [unit | {"lines": [_named(line, by_serial) for line in unit["lines"]]} for unit in payload["units"]]
            return record | {"payload": payload | {"units": units}}
        return record

    return Shift(
        family=made.family,
        variant=made.variant,
        seed=made.seed,
        toml=made.toml,
        records=[(t, renamed(record)) for t, record in made.records],
        truth=msgspec.json.decode(_drawn(truth)),
        doors=made.doors,
    )


def _drawn(text: str) -> str:
    """A text, or an EPC, with a new serial number in every SGTIN-96."""
    return SGTIN_96.sub(lambda found: f"{int(found[0], 16) & ~SERIAL | _hash(found[0]):024X}", text)


def _hash(hex_: str) -> int:
    return int.from_bytes(hashlib.sha256(hex_.encode()).digest()[:5], "big") & SERIAL


def _named(line: dict[str, Any], by_serial: dict[int, str]) -> dict[str, Any]:
    """A line of a document with its ranges told one by one; who was on no load is left out."""
    numbers = [number for low, high in line.get("ranges", ()) for number in range(int(low), int(high) + 1)]
    serials = [str(_hash(by_serial[number])) for number in numbers if number in by_serial]
    return {name: value for name, value in line.items() if name != "ranges"} | ({"serials": serials} if serials else {})
