"""Measurements and weighings as InfluxDB line protocol: the same bytes for InfluxDB 1, 2 and 3.

Schema: `env,site=,location=,sensor= {quantity}=3.8,q=0i ns` and `scale,site=,portal=,scale=,mode=,unit= weight=612.4,
stable=true,q=0i ns`. Field types never change (a server refuses the second type). Never an EPC or a lot as a tag:
each value of a tag is a series for ever. Tags in the order servers like best: sorted by key.
"""

import math
import re
from collections.abc import Mapping

from gateway.model.inputs import Measurement, Weighing

QUALITY = {"good": 0, "out_of_range": 1, "stale": 2, "bad": 3}
"""The integer field `q` of a measurement; 4 is anything else."""
CONDITION = {"ok": 0, "over": 1, "under": 2, "error": 3, "not_displayed": 4}
"""The integer field `q` of a weighing; 5 is anything else."""

_RESERVED = frozenset({"q", "time", "site", "location", "sensor"})
_LATEST = (2**63 - 1) // 1000  # µs whose nanoseconds still fit 64 bits
_SPECIAL = re.compile(r"([,= ])")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


def measurement_line(site: str, location: str, measurement: Measurement, at: int) -> str:
    """One measurement at `at` (µs) as a line; without a value only its quality.

    Raises:
        ValueError: a value that is not finite, a name line protocol cannot carry, an instant out of range.
    """
    quantity = measurement.quantity
    if quantity in _RESERVED:
        raise ValueError(f"quantity {quantity!r} is the name of a tag or field of ours")
    fields = f"q={QUALITY.get(measurement.quality, 4)}i"
    if measurement.value is not None:
        fields = f"{_key(quantity)}={_float(measurement.value)},{fields}"
    tags = _tags({"location": location, "sensor": measurement.sensor, "site": site})
    return f"env{tags} {fields} {_nanoseconds(at)}"


def weighing_line(site: str, portal: str, weighing: Weighing, at: int) -> str:
    """One weighing at `at` (µs) as a line; without a weight only its condition.

    Raises:
        ValueError: as for `measurement_line`.
    """
    fields = f"q={CONDITION.get(weighing.condition, 5)}i"
    if weighing.stable is not None:
        fields = f"stable={'true' if weighing.stable else 'false'},{fields}"
    if weighing.value is not None:
        if not _DECIMAL.fullmatch(weighing.value):
            raise ValueError(f"weight {weighing.value!r} is not a plain decimal number")
        fields = f"weight={weighing.value},{fields}"
    tags = _tags(
        {"mode": weighing.mode, "portal": portal, "scale": weighing.scale, "site": site, "unit": weighing.unit}
    )
    return f"scale{tags} {fields} {_nanoseconds(at)}"


def _tags(tags: Mapping[str, str]) -> str:
    """`,key=value…`, empty values left out, as the format demands."""
    return "".join(f",{key}={_key(value)}" for key, value in tags.items() if value)


def _key(text: str) -> str:
    """Escape a tag value or field key: comma, equals, space. A backslash has no safe form, nor has a line break."""
    if not text or _FORBIDDEN.search(text):
        raise ValueError(f"{text!r} cannot be written in line protocol: no backslash, line break or control character")
    return _SPECIAL.sub(r"\\\1", text)


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number InfluxDB takes")
    return repr(float(value))


def _nanoseconds(at: int) -> int:
    if not -_LATEST <= at <= _LATEST:
        raise ValueError(f"instant {at} µs does not fit InfluxDB's 64-bit nanoseconds")
    return at * 1000
