"""Facts stand behind their group: looking ahead finds them, and only them, without losing a record."""

from msgspec import Struct

from gateway.journal import GROUP_LIMIT, Ahead
from gateway.model.facts import Facts, FactsRecord
from gateway.model.inputs import Device, Input


class Entry(Struct, frozen=True):
    """A record."""

    position: int
    item: Input | FactsRecord


def stream(*items: int | str) -> Ahead[Entry]:
    """A stream of devices (text) and facts (the position they answer)."""
    entries = [
        Entry(position, Device(item, "up") if isinstance(item, str) else FactsRecord(facts(item), item))
        for position, item in enumerate(items, 1)
    ]
    return Ahead(iter(entries))


def facts(of: int) -> Facts:
    """Facts that can be told apart."""
    return Facts(documents={"asn/A": of})


def test_facts_are_found_behind_their_group() -> None:
    """Of a group of three the first and the last asked: each gets its own answer, the second none."""
    ahead = stream("a", "b", "c", 1, 3, "d", 6)
    found = [(entry.position, ahead.facts(entry.position)) for entry in ahead]
    assert found == [(1, facts(1)), (2, None), (3, facts(3)), (6, facts(6))]


def test_looking_ahead_loses_nothing_and_is_not_needed() -> None:
    """Records come in order whether anybody looks ahead or not."""
    names = [str(number) for number in range(3000)]
    assert [entry.position for entry in stream(*names)] == list(range(1, 3001))
    ahead = stream(*names)
    assert [(entry.position, ahead.facts(entry.position)) for entry in ahead] == [(n, None) for n in range(1, 3001)]


def test_the_look_ahead_reaches_over_a_whole_group_and_its_answers() -> None:
    """The last answer of the largest group is found from its record."""
    ahead = stream(*["x"] * GROUP_LIMIT, *range(1, GROUP_LIMIT + 1))
    assert all(ahead.facts(entry.position) == facts(entry.position) for entry in ahead)
