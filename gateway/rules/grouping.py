"""The group of a passage: the goods that all its tags are held against. Pure, integers only.

It is founded on what surely went through by how it was heard (`seeds`), and gathered anew by the points that all have
beside it: from what seems to have moved (`surest`); where nothing does, from what least seems to stand (`likeliest`).
"""

from collections.abc import Mapping, Sequence

from gateway.model.settings import Portal
from gateway.rules.background import Known
from gateway.rules.carriers import carrier
from gateway.rules.features import Elsewhere, Values
from gateway.rules.scorecard import Card
from gateway.rules.scoring import DOUBT, part
from gateway.rules.tracks import FLOOR, Track

RISE = 100
"""Tenths of dB by which a tag that comes through rises, over its own reads or over what it was before and after:
standing tags change by half of that. What lacks of it counts against a tag as if it were fainter by as much."""

ALIKE = 240
"""Tenths of dB: the tags whose loudest reads are as near to the best of them found the group. On one pallet they differ
by as much: at its edge and in the middle, beside an antenna and behind goods."""

BELOW = 200
"""Tenths of dB below the usual level at which a tag is still in the door: the cases in the middle of a pallet of
goods that absorb are heard so much less than those at its edge."""

ITSELF = (
    *("contrast", "swing", "above_background", "background", "as_stood", "left", "phase"),
    *("strayed", "came_before", "put_down", "wrong_side", "elsewhere", "with_eyes"),
)
"""The features that compare a tag with nothing but itself, its door, and the next one."""

NEAR = 200
"""Points (hundredths, 7 : 1) by these alone from the best of them, within which tags may be one load."""

LEAST = 3
"""Tags of such a group at least: one or two agree with what they made themselves."""


def limit(portal: Portal, usual: int | None) -> int:
    """The level (tenths of dBm) a tag in the door reaches at least: BELOW the usual one, never below min_rssi."""
    least = int(portal.min_rssi * 10)
    return least if usual is None else max(least, usual - BELOW)


def seeds(
    often: int,
    least: int,
    core: Mapping[str, Track],
    known: Mapping[str, Known],
    elsewhere: Mapping[str, Elsewhere],
    directed: bool,
) -> list[Track]:
    """The tags that most surely moved: loud in both rows, louder than next door, and louder than at other times."""
    strong: list[tuple[int, Track]] = []
    for epc, track in core.items():
        if track.reads < often or track.peak < least:
            continue
        there = elsewhere.get(epc)
        if there is not None and there.level is not None and there.level >= track.peak:
            continue
        background = known[epc].level if epc in known else FLOOR
        rise = max(track.peak - max(track.outside, background), track.swing or 0)
        strong.append(((track.both if directed else track.peak) + min(0, rise - RISE), track))
    if not strong:
        return []
    best = max(score for score, _ in strong)
    goods = [one for one in strong if not carrier(one[1].epc)]
    if goods and max(score for score, _ in goods) >= best - BELOW:
        strong = goods  # beside an empty truck's own tag they are far fainter
        best = max(score for score, _ in goods)
    return [track for score, track in strong if score >= best - ALIKE]


def surest(core: Mapping[str, Track], points: Mapping[str, int]) -> list[Track]:
    """The louder half of the goods that seem to have moved, with the doubtful ones where none is sure; none where no
    goods seem to: a truck's own tag is metres behind them, and mounted to be heard.

    Were it only those few that already seem to have moved, of a load that is in doubt, the others would be held against
    what is best of it.
    """
    goods = {epc: total for epc, total in points.items() if not carrier(epc)}
    best = max(goods.values(), default=0)
    if best <= 0:
        return []
    return _louder(core, [epc for epc, total in goods.items() if total > min(0, best - DOUBT)])


def likeliest(moving: Mapping[str, Track], values: Mapping[str, Values], cards: Mapping[str, Card]) -> list[Track]:
    """The louder half of the goods that least seem to stand, by what they are in themselves (ITSELF).

    Where nothing seems to have moved, that may be for the group's sake: a load that is read twice a tag is soon held
    against what stands about and is read all day, and beside that it looks like nothing.
    """
    alone = {
        epc: sum(part(name, values[epc][name], cards[epc]) for name in ITSELF) for epc in moving if not carrier(epc)
    }
    best = max(alone.values(), default=0)
    there = _louder(moving, [epc for epc, total in alone.items() if total > best - NEAR])
    return there if len(there) >= LEAST else []


def _louder(core: Mapping[str, Track], epcs: Sequence[str]) -> list[Track]:
    """The louder half of these, by EPC."""
    there = sorted((core[epc].peak, epc) for epc in epcs)
    return [core[epc] for epc in sorted(epc for _, epc in there[len(there) // 2 :])]
