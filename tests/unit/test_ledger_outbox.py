"""The outbox's later life: sent again on request, confirmed by central, forgotten when it is old."""

import pytest

from gateway.ledger import outbox
from gateway.ledger.store import Commit, Ledger
from gateway.model.facts import Questions, SentFact
from gateway.model.outcome import Confirm, Event, Outcome, Park, Resend

DAY = 86_400_000_000


def event(seq: int, more: bytes = b"") -> Event:
    """A promised event."""
    body = b'{"seq":%d}' % seq + more
    return Event(seq, f"id-{seq}", "receipt", "t/evt", "application/ld+json", {"type": "x"}, body)


@pytest.fixture
def ledger():
    """A ledger with events 1 to 6: 1 to 4 with the broker since days 1 to 4, 5 parked, 6 waiting."""
    found = Ledger.open("sqlite://", site="s", gateway="g")
    found.commit(Commit(1, 10, Outcome(), tuple(event(seq) for seq in range(1, 7))))
    for seq in range(1, 5):
        found.settle([seq], seq * DAY)
    found.commit(Commit(2, 20, Outcome(effects=(Park(5, "refused"),))))
    yield found
    found.close()


def pending(ledger: Ledger) -> list[int]:
    """The numbers that wait."""
    return [one.seq for one in ledger.pending(0, 100)]


def test_a_resend_lets_kept_events_wait_again(ledger):
    """Sent and parked events of the span wait as they were, byte for byte; the fact said how many it would be."""
    before = {one.seq: one for one in ledger.events(1, 6, 10)}
    facts = ledger.facts_for(Questions(sent=((3, 5), (7, 9))))
    assert facts.sent == {"3/5": SentFact(3, 3, 5), "7/9": SentFact(0, 0, 0)}
    ledger.commit(Commit(3, 30, Outcome(effects=(Resend(3, 5),))))
    assert pending(ledger) == [3, 4, 5, 6]
    assert {one.seq: one for one in ledger.events(1, 6, 10)} == before
    assert ledger.parked() == []


def test_a_confirmation_never_goes_back_nor_beyond_what_was_promised(ledger):
    """The mark is the highest number central said, never one that no event has."""
    for up_to, mark in ((2, 2), (1, 2), (7, 2), (6, 6)):
        ledger.commit(Commit(3, 30, Outcome(effects=(Confirm(up_to),))))
        late = ledger.unconfirmed(9 * DAY)
        assert late == ((mark + 1, 4) if mark < 4 else None)


def test_only_a_central_that_confirms_can_be_late(ledger):
    """Without a first confirmation nothing is unconfirmed; after it, what the broker took too long ago is."""
    assert ledger.unconfirmed(9 * DAY) is None
    ledger.commit(Commit(3, 30, Outcome(effects=(Confirm(1),))))
    assert ledger.unconfirmed(2 * DAY) is None
    assert ledger.unconfirmed(4 * DAY) == (2, 3)
    ledger.commit(Commit(4, 40, Outcome(effects=(Resend(2, 3),))))
    assert ledger.unconfirmed(4 * DAY) is None
    ledger.settle([2, 3], 8 * DAY)
    assert ledger.unconfirmed(8 * DAY) == (4, 4)


def test_old_events_are_forgotten_once_they_are_delivered(ledger):
    """The sweep takes what the broker has had for long enough; never what waits, is parked or lacks confirmation."""
    assert ledger.sweep(3 * DAY) == 2
    assert [one.seq for one in ledger.events(1, 6, 10)] == [3, 4, 5, 6]
    ledger.commit(Commit(3, 30, Outcome(effects=(Confirm(3),))))
    assert ledger.sweep(9 * DAY) == 1
    assert ledger.sweep(9 * DAY) == 0
    assert [one.seq for one in ledger.events(1, 6, 10)] == [4, 5, 6]
    assert ledger.sequence() == 6


def test_parked_events_do_not_stop_the_sweep(ledger, monkeypatch):
    """The sweep looks at a few events only; those set aside are not among them, however many they are."""
    ledger.commit(Commit(3, 30, Outcome(effects=(Resend(1, 4),))))
    ledger.settle([4, 6], 6 * DAY)
    ledger.commit(Commit(4, 40, Outcome(effects=(Park(1, "x"), Park(2, "x"), Park(3, "x")))))
    monkeypatch.setattr("gateway.ledger.store.SWEPT", 1)
    assert [ledger.sweep(9 * DAY) for _ in range(3)] == [1, 1, 0]
    assert [one.seq for one in ledger.events(1, 6, 10)] == [1, 2, 3, 5]


def test_a_request_lets_only_so_many_wait_again(ledger, monkeypatch):
    """A request for everything since ever is answered with the first of it, so that its turn stays short."""
    monkeypatch.setattr(outbox, "RESENT_MOST", 2)
    assert ledger.facts_for(Questions(sent=((2, 6),))).sent == {"2/6": SentFact(2, 2, 3)}


def test_large_events_are_read_a_few_at_a_time(ledger):
    """What is read at once is bounded in bytes too; one event is always read."""
    big = b" " * (outbox.READ_BYTES // 2)
    ledger.commit(Commit(3, 30, Outcome(), tuple(event(seq, big) for seq in range(7, 11))))
    read, after = [], 0
    while found := ledger.pending(after, 512):
        read.append([one.seq for one in found])
        after = read[-1][-1]
    assert read == [[6, 7, 8], [9, 10]]
