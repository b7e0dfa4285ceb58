"""Scoring: features become points, and points become *moved*, *doubtful* or *stray*. Pure.

The model is a scorecard: each feature falls between two cuts and gives the points written there (hundredths of
log-odds); the sum is the tag's, its kin are heard (`kin`), and `costs` are taken off. Above nought it moved; from
VOUCHABLE below to DOUBT above it is doubtful: then what was announced may decide (`vouching`). Points never fall as a
feature grows. The tables are data (`scorecard`), fitted by `tools/fit_scorecard.py`; a technician may read them and
argue with them.

**Evidence of a passage** (`Passage.evidence`, and with it every movement's):

    "by"        "eyes" | "antennas" | "eye_and_antennas" | "one_way" | "flow" | "nothing": what told the direction;
                "gap_ms", "voters" with antennas
    "opened_by" "scale", where one opened it
    "reads"     reads in the passage, those before and after it included
    "eyes"      [[µs from the opening, row, broken], …]
    "group"     how many tags were the confident group that the others were compared with
    "tags"      {epc: [reads while the door was occupied, peak dBm, first µs, last µs from the opening]}
    "points"    {epc: points}, log-odds less `costs` with two decimals: above 0 moved
    "why"       {epc: [[feature, value, points], …]}: the WHY_SHOWN strongest parts, strongest first
    "followed"  [epc, …]: tags heard that went with what came right behind (`parting`)
    "turned"    [epc, …]: what would have moved, had the vehicle not turned round
    "unseen"    [epc, …]: what would have moved, had an eye seen a vehicle or most of it gone from row to row
    "hardly_any" [epc, …]: what would have moved, had one in five of the group that all were compared with
    "again"     [epc, …]: what had gone this way just before: it is still heard, and did not go twice
    "put_down"  [epc, …]: the few of a load that seemed to go back right after it came, while most of it stayed
    "inferred_from", "dismissed", "vouched"    see `vouching`

`tags`, `points` and `why` are of moved and doubtful tags and of the first STRAYS_SHOWN strays, by points; of up to
STRAYS_REASONED more there are points and the strongest part. Values are dB, % or counts as `SAYS` has them, None where
it could not be told.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from gateway.model.settings import Portal
from gateway.rules.features import NOTHING, Values
from gateway.rules.kin import KIN, PASSED_ON
from gateway.rules.scorecard import CARDS, Card

DOUBT = 500
"""Points (hundredths of log-odds) within which what is known of it may turn a tag that seems to have moved."""

VOUCHABLE = 700
"""And how far below nought a tag may be lifted that is announced on what moves with it (270 : 1 and COSTS): it is heard
in the same seconds, and where else should it be? A case left behind of a unit that goes through is rarer than that."""

COSTS = 140
"""Points (4 : 1) asked of a tag in the end: a stray that becomes stock is as bad as four moved tags that do not.
One that is missing is asked for, and one that is not there is sold. What a tag says of its kin is how likely it is,
without: else what is a little doubtful of each would be sure of all. Of a truck's own tag nothing is asked: it is no
stock."""

BESIDE = 100
"""And so many more where one row of antennas hears a door (11 : 1 in all): what goes through gets louder and fainter
there, and what is driven by beside it, too, and a whole pallet is wrong then. Nobody drives by on a belt."""

RESERVE = 100
"""And points that are taken off what serial neighbours say for a tag: those of a pallet that drives by are all heard
for one reason, and some of a rack that a truck's flank lights up for a moment are loud. Nothing is taken off what they
say against it, nor where those on its two sides disagree: the last case of a pallet is as likely of it as any."""

WHY_SHOWN = 6
"""Parts of a tag's points that are kept as evidence: the strongest; the rest is small change."""

SAYS: dict[str, tuple[str, str, int]] = {
    # feature: (sentence with {value}, unit, divisor of the value)
    "level": ("its loudest read was {value} louder than the group's", "dB", 10),
    "both_rows": ("the row that heard it less had it {value} louder than the group", "dB", 10),
    "missed": ("the row that heard it less lacked {value} reads beside the group's", "", 1),
    "group_level": ("the group was {value} louder than what usually goes through, less for a few tags", "dB", 10),
    "group_size": ("the group had {value} as many tags as loads have here", "%", 1),
    "through": ("more of the group passed the rows the way that it went, by {value} times what chance does", "", 100),
    "group_swing": ("the group's levels rose by {value}", "dB", 10),
    "group_reads": ("the tags of the group were read {value} times", "", 1),
    "contrast": ("it was {value} louder than before and after", "dB", 10),
    "swing": ("its level rose by {value}", "dB", 10),
    "above_background": ("it was {value} louder than while nothing passed", "dB", 10),
    "follows": ("its level followed the group's by {value}", "%", 1),
    "unlike": ("its reads strayed from the group's rise and fall by {value} in all", "dB", 10),
    "moves": ("the group's rise and fall tells its reads better than one level does, by {value} in all", "dB", 10),
    "company": ("when it was read, the group was {value} from its loudest", "dB", 10),
    "with_group": ("its centre in time was off the group's by {value} of the time in the door", "%", 1),
    "order": ("the time between the rows was off the group's by {value} of the time in the door", "%", 1),
    "balance": ("the rows' levels differed by {value} from the group's", "dB", 10),
    "background": ("it was read {value} times while nothing passed", "", 1),
    "strays_here": ("{value} new tags stay in a passage here, lately", "", 1),
    "faint_here": ("{value} others like it are heard, or new tags stayed lately", "", 1),
    "often": ("it was read {value} as often as the group", "%", 1),
    "strayed": ("it was heard and did not move in {value} passages before", "", 1),
    "came_before": ("it had gone this way, or through another door, just before", "", 1),
    "put_down": ("it had gone the other way {value} before", "s", 1),
    "left": ("where it had stood it lacked {value} reads afterwards", "", 10),
    "as_stood": ("its reads were {value} off the levels it usually stands there at", "dB", 10),
    "wrong_side": ("it was {value} louder than on the side where it should not be", "dB", 10),
    "elsewhere": ("it was {value} louder here than at the next door", "dB", 10),
    "phase": ("its phases gave it {value} points for moving", "", 100),
    "with_eyes": ("its centre in time was off the beam's by {value} of the time in the door", "%", 1),
    "kin": ("its serial neighbours gave it {value} points", "", 100),
    "arrived": ("what had come to stand there with it had {value} points itself", "", 100),
    "product": ("the others of its product had {value} points themselves", "", 100),
    "unit": ("it had {value} points more than any other pallet's tag", "", 100),
}
"""What each feature says, for whoever explains a decision."""

OWN = tuple(name for name in CARDS["rows"] if name not in KIN)
"""Features of the tag itself: these choose the group."""


def cards_at(portal: Portal) -> Mapping[str, Card]:
    """The cards of a portal: those in force, with its own weights (%) laid on them."""
    if not portal.weights:
        return CARDS
    weights = dict(portal.weights)

    def weighed(name: str, points: int) -> int:
        return points * weights.get(name, 100) // 100

    return {
        which: {
            name: (cuts, tuple(weighed(name, each) for each in points), weighed(name, untold))
            for name, (cuts, points, untold) in card.items()
        }
        for which, card in CARDS.items()
    }


def costs(portal: Portal, *, directed: bool) -> int:
    """What is asked of goods in the end, hundredths; `directed`: an outer and an inner row of antennas hear them."""
    return COSTS if directed or portal.flow else COSTS + BESIDE


def part(name: str, value: int, card: Card) -> int:
    """The points of one feature, hundredths; what serial neighbours pass on is points already, but for RESERVE."""
    if name == PASSED_ON:
        return 0 if value == NOTHING else min(value, max(0, value - RESERVE))
    cuts, points, nothing = card[name]
    if value == NOTHING:
        return nothing
    return points[bisect_right(cuts, value)]


def own(values: Values, card: Card) -> int:
    """The points of a tag by itself, hundredths: as if it had no kin."""
    total = 0
    for name in OWN:  # as `part`, of which there are too many here to call it
        cuts, points, nothing = card[name]
        value = values[name]
        total += nothing if value == NOTHING else points[bisect_right(cuts, value)]
    return total + sum([part(name, NOTHING, card) for name in KIN])


def shared(theirs: Values, card: Card) -> int:
    """What a tag's kin add to its own points, hundredths; nought where it has none."""
    return sum(part(name, theirs[name], card) - part(name, NOTHING, card) for name in KIN)


def why(values: Values, theirs: Values, card: Card) -> list[list[Any]]:
    """The strongest parts: [feature, value, points]."""
    every = {**values, **theirs}
    parts = [(name, value, part(name, value, card)) for name, value in every.items()]
    parts.sort(key=lambda one: (-abs(one[2]), one[0]))
    return [[name, _shown(name, value), points / 100] for name, value, points in parts[:WHY_SHOWN]]


def _shown(name: str, value: int) -> int | float | None:
    if value == NOTHING:
        return None
    divisor = SAYS[name][2]
    return value if divisor == 1 else value / divisor


def sentence(name: str, value: float | None) -> str:
    """What one part of the evidence says, in words; an unknown part is named, never raised."""
    says, unit, divisor = SAYS.get(name, (name + ": {value}", "", 1))
    if value is None:
        return says.format(value="unknown")
    distance = (not unit and divisor == 1) or " from " in says or " off the " in says  # its sign: less is better
    return says.format(value=f"{abs(value) if distance else value:g} {unit}".strip())
