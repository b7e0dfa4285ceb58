"""Sketches: plain scenes that the scorecards are learned from beside those of the radio generator."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from gateway import config
from gateway.identity import decode
from simulators.rf import Shift
from tools.labels import passages
from tools.other_sites import Site
from tools.sketches import PRESETS, SIZES, sketch

DRAWN = [sketch(seed, 8) for seed in range(1, 13)]


def rows(one: Shift) -> list[tuple[Any, ...]]:
    """Every read."""
    return [row for _, record in one.records if record["kind"] == "reads" for row in record["reads"]]


def test_a_sketch_is_the_same_for_the_same_seed() -> None:
    """And another for another."""
    again = sketch(1, 8)
    assert (again.records, again.truth, again.toml) == (DRAWN[0].records, DRAWN[0].truth, DRAWN[0].toml)
    assert again.records != DRAWN[1].records


@pytest.mark.parametrize("one", DRAWN, ids=lambda one: str(one.seed))
def test_a_sketch_is_a_recording_of_a_configured_site(one: Shift) -> None:
    """Its configuration is one, its records come in order, each reader's antennas are the portal's, and EPCs decode."""
    settings = config.parse(one.toml, "sketch").settings()
    there = {(each.reader, each.port) for portal in settings.portals for each in portal.antennas}
    instants = [t for t, _ in one.records]
    assert instants == sorted(instants)
    for _, record in one.records:
        if record["kind"] == "reads":
            assert {(record["reader"], row[1]) for row in record["reads"]} <= there
    assert all(decode(hex_).ai for hex_ in {row[2] for row in rows(one)})


def test_there_are_lone_labels_and_whole_pallets_doors_with_eyes_and_without() -> None:
    """Of as many loads as were asked for, besides empty vehicles; both ways."""
    sizes, ways, eyes = Counter[int](), Counter[str](), Counter[bool]()
    for one in DRAWN:
        loads = [each for each in one.truth["passages"] if each["units"]]
        assert len(loads) == 8
        sizes.update(len(each["moved"]) for each in loads)
        ways.update(each["direction"] for each in loads)
        eyes[any(record["kind"] == "gpi" for _, record in one.records)] += 1
    assert set(sizes) <= set(SIZES)
    assert min(sizes[1], ways["in"], ways["out"], eyes[True], eyes[False]) > 0
    assert {preset for one in DRAWN for preset, _ in PRESETS if f'"{preset}"' in one.toml} == {
        name for name, _ in PRESETS
    }


def test_labels_are_made_of_a_sketch() -> None:
    """Of nearly every load that was drawn, tag by tag; what stands about did not move."""
    told = [each for one in DRAWN for each in passages(one, Site(one.records, {}), None)]
    loads = [each for each in told if each.moved.any()]
    assert len(loads) > 0.8 * 8 * len(DRAWN)
    moved = np.concatenate([each.moved for each in told])
    assert 0.2 < moved.mean() < 0.95
