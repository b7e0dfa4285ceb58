"""Numbers for lots that came without one, by the site's template (`identity.numbers`). Pure.

The day is that of the movement by the site's calendar; the ledger remembers how far each counter is. So a template with
a date begins anew every day, and a replay, which has the ledger's answers, gives the same numbers.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.identity.numbers import numbered
from gateway.model.documents import Policy
from gateway.model.facts import Facts
from gateway.model.settings import Settings

Taken = dict[tuple[str, str], int]
"""(counter, its day) → the last number used; a template without a date has one counter for ever, whose day is ""."""


def local_day(settings: Settings, at: int) -> datetime:
    """The instant `at` (µs) on the site's clock."""
    return datetime.fromtimestamp(at // 1_000_000, tz=UTC).astimezone(ZoneInfo(settings.timezone))


def day_of(settings: Settings, at: int) -> str:
    """The day of an instant (µs) by the site's calendar, as the ledger is asked for it."""
    return local_day(settings, at).date().isoformat()


def template_of(settings: Settings, policy: Policy | None) -> str | None:
    """The template in force: central's policy before the configuration; None: lots stay without a number."""
    own = policy.lot_number if policy is not None and policy.lot_number is not None else settings.lot_number
    return own or None


def next_lot(settings: Settings, facts: Facts, at: int, taken: Taken) -> str | None:
    """The next free lot number, noted in `taken`; None without a template."""
    template = template_of(settings, facts.policy)
    if template is None:
        return None
    day = local_day(settings, at)
    counter = numbered(template, day, None)
    key = counter, day.date().isoformat() if "{date" in template else ""
    seq = taken.get(key, facts.numbers.get(counter, 0)) + 1
    taken[key] = seq
    return numbered(template, day, seq)
