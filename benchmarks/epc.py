"""`epc_decode_sgtin96`: hex of tags into identities, against epcpy on the same tags."""

import importlib.metadata
from collections.abc import Callable
from typing import Any

from benchmarks.measuring import BenchmarkError, Result, cpu_seconds, median, one_core
from gateway.identity import decode

TAGS = 100_000
REPETITIONS = 7
FIRST = 0x3074257BF7194E4000000000
"""GTIN 80614141123458, company prefix of 7 digits, filter 3; the serials count from 0 in steps of a prime."""

STEP = 2_748_779


def sgtin96(tags: int = TAGS, repetitions: int = REPETITIONS) -> Result:
    """Tags per CPU second on one core; median of `repetitions` after a warm-up, ours and epcpy's by turns.

    Ours is `decode` without its cache, each tag another: URI, Digital Link, element strings, filter and prefix length.
    epcpy's is the object with its EPC URI alone.
    """
    than, theirs = _epcpy()
    ours: Callable[[str], Any] = decode.__wrapped__
    epcs = [f"{FIRST + place * STEP:024X}" for place in range(tags)]
    for epc in epcs[:100]:
        if ours(epc).uri != theirs(epc).epc_uri:
            raise BenchmarkError("epcpy and the gateway decode one tag differently: a figure would mean nothing")
    our_times, their_times = [], []
    with one_core():
        for _ in range(repetitions + 1):
            our_times.append(cpu_seconds(lambda: _all(ours, epcs)))
            their_times.append(cpu_seconds(lambda: _all(theirs, epcs)))
    rate, other = tags / median(our_times[1:]), tags / median(their_times[1:])
    more = {"than_value": round(other)}
    return Result("epc_decode_sgtin96", round(rate), "tags/s", than, round(rate / other, 2), more)


def _epcpy() -> tuple[str, Callable[[str], Any]]:
    """Its name with version, and its decoder.

    Raises:
        BenchmarkError: it is not installed.
    """
    try:
        from epcpy.utils.parsers import hex_to_tag_encodable
    except ImportError as error:
        raise BenchmarkError(f"epcpy cannot be imported ({error}): pip install epcpy==0.1.8") from None
    return f"epcpy {importlib.metadata.version('epcpy')} decode", hex_to_tag_encodable


def _all(decoder: Callable[[str], Any], epcs: list[str]) -> None:
    for epc in epcs:
        decoder(epc)
