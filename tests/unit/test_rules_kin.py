"""Kin: what goes with a tag speaks for it by its own points, and what stands with it against it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.background import Known
from gateway.rules.features import NOTHING
from gateway.rules.kin import (
    ALIKE,
    CLEAR,
    COHORT,
    FURTHER,
    KIN,
    NEXT,
    NOBODY,
    SURE,
    SURELY,
    TOGETHER,
    TOLD_SURELY,
    WITNESSES,
    kin,
)
from tests import dockside

FAR = 100

TRUCK = "3476451FD40000000000162E"
"""A GIAI-96: what carries goods."""


def tag(serial: int) -> str:
    """A case of our one product."""
    return dockside.case_tag(serial)


def told(points: dict[int, int]) -> dict[int, int]:
    """What the serial neighbours of each tag say."""
    found = kin({tag(serial): value for serial, value in points.items()}, {})
    return {serial: found[tag(serial)]["kin"] for serial in points}


def test_kin_are_the_tags_labelled_before_and_after_it() -> None:
    """Both sides together, neither more than NEXT; a tag at the end of a run hears one side."""
    assert told({1: 2 * NEXT, 2: 0, 3: 100 + SURE}) == {1: 100, 2: NEXT + 100, 3: NEXT}


def test_what_they_have_heard_they_pass_on() -> None:
    """A neighbour that is in doubt itself hands on what the next one says, the fainter for what speaks against it."""
    assert told({1: 9 * NEXT, 2: 10, 3: -20, 4: 0})[4] == NEXT - 20
    assert told({1: 9 * NEXT, 2: -NEXT, 3: 0})[3] == 0


def test_many_that_are_hardly_surer_than_nothing_say_nothing() -> None:
    """Forty tags, no more than SURE for each: what is wrong with one is wrong with all. What is against them counts."""
    assert set(told(dict.fromkeys(range(1, 41), SURE)).values()) == {0}
    assert told(dict.fromkeys(range(1, 41), SURE + 20))[20] == 39 * 20
    assert told(dict.fromkeys(range(1, 41), -20))[20] == 39 * -20


def test_the_first_of_the_next_pallet_is_not_carried_along() -> None:
    """Its neighbours moved on the one side and stood on the other: together they say nothing."""
    assert told({serial: CLEAR if serial < 5 else -CLEAR for serial in range(1, 10)})[5] == 0


def test_kin_far_off_or_of_another_kind_are_none() -> None:
    """Each number between two cases takes FURTHER away; a pallet's own tag is nobody's serial neighbour."""
    assert told({1: CLEAR, 3: 0})[3] == NEXT - FURTHER
    assert told({1: CLEAR, 1 + NEXT // FURTHER: 0})[1 + NEXT // FURTHER] == FURTHER
    assert told({1: CLEAR, 2 + NEXT // FURTHER: 0}) == {1: NOTHING, 2 + NEXT // FURTHER: NOTHING}
    both = kin({tag(1): SURELY - 1, dockside.pallet_tag(2): CLEAR}, {})
    assert all(one == dict.fromkeys(KIN, NOTHING) for one in both.values())


def test_most_loads_are_one_pallet() -> None:
    """A pallet's own tag is set against the surest other one; the only one beside goods that moved against NOBODY."""
    one, two, three = (dockside.pallet_tag(number) for number in (1, 2, 3))
    found = kin({one: 900, two: -300, three: -500, tag(1): 2_000}, {})
    assert [found[epc]["unit"] for epc in (one, two, three, tag(1))] == [1200, -1200, -1400, NOTHING]
    assert kin({one: 900}, {})[one]["unit"] == NOTHING
    assert kin({one: -100, tag(1): SURELY}, {})[one]["unit"] == -100 - NOBODY
    assert kin({one: NOBODY - 100, tag(1): SURELY}, {})[one]["unit"] == 0


def test_behind_an_empty_truck_no_pallet_is_the_surest() -> None:
    """Where no goods surely moved, the best of the pallets that stand about is not surer for being the best."""
    one, two = dockside.pallet_tag(1), dockside.pallet_tag(2)

    def said(beside: dict[str, int], best: int = 100) -> list[int]:
        found = kin({one: best, two: -300, **beside}, {})
        return [found[epc]["unit"] for epc in (one, two)]

    assert said({tag(1): SURELY}) == [400, -400]
    assert said({tag(1): SURELY - 1}) == [NOTHING, -400]
    assert said({TRUCK: 2_000}) == [NOTHING, -400]
    neighbours = {tag(1): SURELY - 20, tag(2): TOLD_SURELY - SURELY + 20 + SURE}  # these pass on but for SURE
    assert said(neighbours) == [400, -400]
    assert said(neighbours | {tag(2): neighbours[tag(2)] - 1}) == [NOTHING, -400]
    assert said({tag(1): 0, tag(2): SURELY - 1, tag(3): SURELY - 1, tag(4): 0}) == [400, -400]
    assert said({tag(1): -1, tag(2): SURELY - 1}) == [NOTHING, -400]
    assert said({}, best=-100) == [NOTHING, NOTHING]


def test_what_came_to_stand_together_goes_together() -> None:
    """The mean of the others that were first heard, or moved last, within TOGETHER; COHORT of them at least."""
    points = {tag(FAR * number): 100 * number for number in range(1, COHORT + 2)}
    known = {epc: Known(first=5 + TOGETHER * (number % 2)) for number, epc in enumerate(points)}
    assert kin(points, known)[tag(FAR)]["arrived"] == (200 + 300 + 400) // 3
    assert all(one["arrived"] == NOTHING for one in kin(dict(list(points.items())[1:]), known).values())
    moved = {epc: Known(first=100 * TOGETHER * number, moved=7) for number, epc in enumerate(points)}
    assert kin(points, moved)[tag(FAR)]["arrived"] == (200 + 300 + 400) // 3
    late = known | {tag(FAR): Known(first=1 + 3 * TOGETHER)}
    assert kin(points, late)[tag(FAR)]["arrived"] == NOTHING


def test_what_came_together_says_something_where_it_agrees() -> None:
    """Three in four went; that all stood says nothing: a trailer is heard all at once and unloaded by pallets."""

    def said(went: int, stood: int, unsure: int = 0) -> int:
        points = [*[400] * went, *[-400] * stood, *[WITNESSES - 1] * unsure]
        each = {tag(FAR * number): value for number, value in enumerate(points, 1)} | {tag(9): 0}
        return kin(each, {epc: Known(first=1) for epc in each})[tag(9)]["arrived"]

    assert said(9, 3) == (9 - 3) * 400 // 12
    assert said(8, 3) == NOTHING
    assert said(0, 40) == said(1, 9) == NOTHING
    assert said(3, 0, 1) > 0
    assert said(2, 0, 1) == NOTHING
    hardly = {tag(FAR * number): WITNESSES if number < 10 else -CLEAR for number in range(1, 13)} | {tag(9): 0}
    assert kin(hardly, {epc: Known(first=1) for epc in hardly})[tag(9)]["arrived"] == 0  # never against it


def test_another_pallets_own_tag_did_not_come_with_it() -> None:
    """Five pallets with a label each are five loads, though the trailer's doors let all be heard at once."""
    pallets = {dockside.pallet_tag(number): -400 for number in range(1, 6)}
    known = {epc: Known(first=1) for epc in [*pallets, *map(tag, range(FAR, FAR + 30, 10))]}
    assert {one["arrived"] for one in kin(pallets, known).values()} == {NOTHING}
    cases = {tag(serial): 400 for serial in range(FAR, FAR + 30, 10)}
    assert kin({**pallets, **cases}, known)[dockside.pallet_tag(1)]["arrived"] == 400  # those may stand on it
    assert kin({**pallets, **cases}, known)[tag(FAR)]["arrived"] == NOTHING  # two others are too few


def test_a_product_goes_as_a_whole() -> None:
    """The mean of the others of its product, if all but one in ALIKE went; what stands may be the same product."""

    def said(went: int, stood: int) -> int:
        points = [*[400] * went, *[-400] * stood]
        each = {tag(FAR * number): value for number, value in enumerate(points, 1)} | {tag(9): 0}
        return kin(each, {})[tag(9)]["product"]

    assert said(3, 0) == 400
    assert said(2, 0) == NOTHING
    assert said(ALIKE - 1, 1) == 400 * (ALIKE - 2) // ALIKE
    assert said(ALIKE - 2, 1) == NOTHING
    assert said(0, 40) == NOTHING


def test_what_stood_there_before_is_another_load_of_the_product() -> None:
    """New cases speak for new ones, though others of the product, that were heard all day, stay."""
    mine, there = [tag(FAR * number) for number in range(1, 6)], [tag(FAR * number) for number in range(6, 12)]
    known = {epc: Known(first=1, reads=100) for epc in there}
    found = kin(dict.fromkeys(mine, 400) | dict.fromkeys(there, -400), known)
    assert {found[epc]["product"] for epc in mine} == {400}
    assert {found[epc]["product"] for epc in there} == {NOTHING}
    together = kin(dict.fromkeys(mine, 400) | dict.fromkeys(there, -400), {})
    assert {one["product"] for one in together.values()} == {NOTHING}


def test_another_product_is_none_of_its_kin() -> None:
    """Whatever another product does, and a pallet's own tag: neither has its GTIN."""
    other = {f"{int(tag(FAR * number), 16) ^ 1 << 38:024X}": -400 for number in range(1, 8)}
    mine = {tag(FAR * number): 400 for number in range(1, 6)}
    found = kin({**other, **mine, dockside.pallet_tag(1): 0}, {})
    assert {found[epc]["product"] for epc in mine} == {400}
    assert {found[epc]["product"] for epc in other} == {NOTHING}
    assert found[dockside.pallet_tag(1)]["product"] == NOTHING


def test_one_tag_beyond_doubt_says_no_more_than_a_clear_one() -> None:
    """Points above CLEAR count as CLEAR, on either side of nought, where the mean is taken."""
    known = {tag(FAR * number): Known(first=1) for number in range(1, COHORT + 2)}
    points = dict.fromkeys(known, 9 * CLEAR)
    assert {one["arrived"] for one in kin(points, known).values()} == {CLEAR}


@given(
    st.dictionaries(st.integers(1, 60), st.integers(-2_000, 2_000), max_size=30),
    st.dictionaries(st.integers(1, 60), st.integers(0, 5 * TOGETHER), max_size=30),
)
def test_nobody_is_his_own_kin(points: dict[int, int], first: dict[int, int]) -> None:
    """Whatever a tag's own points are, its kin say the same of it; serial neighbours never more than NEXT a side."""
    known = {tag(serial): Known(first=at) for serial, at in first.items()}
    mine = {tag(serial): value for serial, value in points.items()}
    found = kin(mine, known)
    assert set(found) == set(mine)
    for epc in mine:
        assert kin({**mine, epc: 77}, known)[epc] == found[epc]
        assert found[epc]["kin"] == NOTHING or abs(found[epc]["kin"]) <= 2 * NEXT
        for name in ("arrived", "product"):
            assert found[epc][name] == NOTHING or abs(found[epc][name]) <= CLEAR
