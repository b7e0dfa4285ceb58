"""What to change at a portal, with the reason and what it would have done. Pure; nothing is changed here.

Each proposal is tried by itself on the same inputs. Only what makes something better and nothing worse is proposed;
what a configuration cannot mend (a cable, an antenna's aim) is a hint.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from gateway.model.inputs import Reads
from gateway.model.outcome import Passage
from gateway.model.settings import Antenna, Portal
from gateway.model.times import SECOND
from gateway.rules.tuning.hindsight import APART, Study, middle
from gateway.rules.tuning.trial import Trial, effect, judged, passages, trial, under

STEPS_DB = (-6, -4, -3, -2, -1, 1, 2, 3, 4, 6)
"""Changes of min_rssi that are tried, dB."""

FAINTEST, LOUDEST = -75, -40
"""dBm: no min_rssi beyond these is proposed. Below, tags have no power left; above, only a tag on the antenna is."""

LEAST_READS, MOST_READS = 2, 8
"""Between these min_reads is proposed: one read may be an echo, and the inner cases of a fast pallet give few."""

SLACK = 3 / 2
"""`quiet` is proposed this much longer than the longest silence inside a passage."""

QUIETS = (600_000, 900_000, 1_200_000, 1_500_000, 1_700_000)
"""µs that are tried where `quiet` is too short; the last leaves a verdict within 2 s with a settle of 300 ms."""

GAPS = (1_000_000, 1_300_000, 1_600_000)
"""µs of `gap` that are tried where beams near the floor see feet: those of a pallet are 0.5 m apart, and a jack is
pushed at 0.4 m/s; at 1.6 s a second truck at walking pace would be one with the first."""

PIECES = 1_500_000
"""µs from one vehicle to the next within which they may be one."""

QUIET_LEAST = 400_000
"""µs: two rounds of four antennas, so that a tag between two antennas is no silence."""

ALONE = 0.1
"""An antenna with less than this share of what its like hears is deaf."""

ENOUGH = 3
"""Passages, or tags, from which on a share means something."""

STRONG = -50.0
"""dBm: what moves is louder than it need be when its middle peak is above this, and power can go down."""

WEAK = -62.0
"""dBm: what moves is close to silence when its middle peak is below this."""


class Proposal(Struct, frozen=True):
    """One change. `toml` are lines for the portal's table, none for a hint; `expected` what it would have done."""

    about: str
    toml: tuple[str, ...]
    reason: str
    expected: str


def propose(told: Study) -> list[Proposal]:
    """All proposals for a portal, the most telling first; none when nothing would be better."""
    now = judged(told.passages, told.labels)
    found: list[Proposal] = []
    for look in (_deaf, _strangers, _polarity, _rows):
        found += look(told, now)
    best = told.portal
    for look_for in (_level, _reads):
        proposal, best = look_for(told, now, best)
        found += proposal
    found += _quiet(told, now)
    found += _beam(told, now)
    found += _power(told, now)
    if best != told.portal and sum(one.about in ("min_rssi", "min_reads") for one in found) > 1:
        both = trial(told.settings, best, told.inputs, told.labels)
        found.append(Proposal("together", (), "min_rssi and min_reads changed together", effect(now, both)))
    return found


# -- what is not heard ------------------------------------------------------------------------------------------------


def _deaf(told: Study, now: Trial) -> Iterator[Proposal]:
    """Antennas that hear nothing, or much less than their like."""
    usual = max((heard.reads for heard in told.antennas.values()), default=0)
    for (reader, port), heard in sorted(told.antennas.items()):
        others = [other.reads for key, other in told.antennas.items() if key != (reader, port)]
        like = middle(others) if others else 0
        if heard.reads == 0 and usual:
            why = f"antenna {port} of {reader} heard nothing, while another heard {usual} reads"
            yield Proposal("antenna", (), why, "check its cable, its connector and its port; `tallyman llrp probe`")
        elif others and like * ALONE > heard.reads:
            why = f"antenna {port} of {reader} heard {heard.reads} reads, its like {like:.0f}"
            yield Proposal("antenna", (), why, "check its cable, its aim and what stands before it")


def _strangers(told: Study, now: Trial) -> Iterator[Proposal]:
    """Antennas that hear the portal's tags and are not in the configuration."""
    for (reader, port), heard in sorted(told.strangers.items()):
        shared = sum(epc in told.sights for epc in heard.tags)
        if shared < ENOUGH:
            continue
        row = max(("outer", "inner"), key=lambda row: -sum(antenna.row == row for antenna in told.portal.antennas))
        line = f'{{ reader = "{reader}", port = {port}, row = "{row}" }}'
        why = f"antenna {port} of {reader} heard {shared} of this portal's tags and belongs to no portal"
        portal = replace(told.portal, antennas=(*told.portal.antennas, Antenna(reader, port, row)))
        after = trial(told.settings, portal, told.inputs, told.labels)
        yield Proposal("antennas", (f"# in antennas, with the row and side it really has: {line}",), why,
                       effect(now, after))  # fmt: skip


# -- eyes and rows ----------------------------------------------------------------------------------------------------


def _polarity(told: Study, now: Trial) -> Iterator[Proposal]:
    """Eyes that are blocked nearly always: their level means the opposite."""
    wrong = []
    for index, eye in enumerate(told.portal.eyes):
        edges = [(at, level) for at, which, level in told.edges if which == index]
        if len(edges) < 2 * ENOUGH:
            continue
        spans = [(b[0] - a[0], a[1]) for a, b in pairwise(edges)]
        total = sum(span for span, _ in spans)
        blocked = sum(span for span, level in spans if level == eye.blocked)
        if total and blocked > 0.6 * total:
            wrong.append((index, blocked / total))
    if not wrong:
        return
    indexes = {index for index, _ in wrong}
    eyes = tuple(
        replace(eye, blocked=not eye.blocked) if index in indexes else eye for index, eye in enumerate(told.portal.eyes)
    )
    portal = replace(told.portal, eyes=eyes)
    after = trial(told.settings, portal, told.inputs, told.labels)
    share = max(share for _, share in wrong)
    names = ", ".join(f"{told.portal.eyes[index].row} (GPI {told.portal.eyes[index].port})" for index in indexes)
    why = f"{names}: blocked {share:.0%} of the time; a door is free most of the time, so the level means the opposite"
    yield Proposal("eyes", (f"eyes = [{', '.join(_eye(eye) for eye in eyes)}]",), why, effect(now, after))


def _eye(eye: object) -> str:
    reader, port, row, blocked = (getattr(eye, name) for name in ("reader", "port", "row", "blocked"))
    return f'{{ reader = "{reader}", port = {port}, row = "{row}", blocked = {str(blocked).lower()} }}'


def _rows(told: Study, now: Trial) -> Iterator[Proposal]:
    """Rows of antennas and rows of eyes that tell opposite ways."""
    agree = against = 0
    for passage in told.passages:
        if passage.evidence.get("by") != "eyes" or passage.direction not in ("in", "out"):
            continue
        gaps = []
        for label in told.labels:
            if label.moved and label.begin == passage.opened:
                gap = _gap(told, label.epc, passage.opened - SECOND, passage.closed + SECOND)
                if gap is not None:
                    gaps.append(gap)
        if gaps and abs(middle(gaps)) > 50_000:
            if (middle(gaps) > 0) == (passage.direction == "in"):
                agree += 1
            else:
                against += 1
    if against < ENOUGH or against < 4 * agree:
        return
    swapped = {"inner": "outer", "outer": "inner"}
    antennas = tuple(replace(one, row=swapped.get(one.row, one.row)) for one in told.portal.antennas)
    after = trial(told.settings, replace(told.portal, antennas=antennas), told.inputs, told.labels)
    lines = ", ".join(
        f'{{ reader = "{a.reader}", port = {a.port}, row = "{a.row}", side = "{a.side}" }}' for a in antennas
    )
    why = (
        f"in {against} of {agree + against} passages the antennas heard the tags in the opposite order to the eyes: "
        "inner and outer are exchanged, of the antennas or of the eyes; go and look which"
    )
    yield Proposal("rows", (f"antennas = [{lines}]  # or exchange the rows of the eyes",), why, effect(now, after))


def _antenna(one: Antenna) -> str:
    return f'{{ reader = "{one.reader}", port = {one.port}, row = "{one.row}", side = "{one.side}" }}'


def _gap(told: Study, epc: str, begin: int, end: int) -> int | None:
    """µs by which the inner row heard a tag later than the outer one, reads weighed by their level."""
    centres = {}
    for row in ("outer", "inner"):
        sights = [one for one in told.sights.get(epc, ()) if one.row == row and begin <= one.at <= end]
        weights = [max(1.0, one.level + 80.0) ** 2 for one in sights]
        if not sights:
            return None
        centres[row] = sum(w * (one.at - begin) for w, one in zip(weights, sights, strict=True)) / sum(weights)
    return round(centres["inner"] - centres["outer"])


# -- thresholds -------------------------------------------------------------------------------------------------------


def _level(told: Study, now: Trial, portal: Portal) -> tuple[list[Proposal], Portal]:
    """min_rssi: between what moves and what stands."""
    tried = sorted(
        {max(FAINTEST, min(LOUDEST, round(portal.min_rssi + step))) for step in STEPS_DB} - {portal.min_rssi}
    )
    options = [replace(portal, min_rssi=float(level)) for level in tried]
    moved = [label.peak for label in told.labels if label.moved]
    stood = [label.peak for label in told.labels if not label.moved]
    why = f"the faintest of {len(moved)} tags that moved peaked at {min(moved, default=0):.0f} dBm"
    if stood:
        why += f", the loudest of {len(stood)} that stood at {max(stood):.0f} dBm"
    return _best(told, now, portal, options, "min_rssi", lambda one: f"min_rssi = {one.min_rssi:.0f}", why)


def _reads(told: Study, now: Trial, portal: Portal) -> tuple[list[Proposal], Portal]:
    """min_reads: what moves is read more often than what stands far off."""
    counts = range(LEAST_READS, MOST_READS + 1)
    options = [replace(portal, min_reads=count) for count in counts if count != portal.min_reads]
    moved = [label.reads for label in told.labels if label.moved]
    why = f"the {len(moved)} tags that moved were read {min(moved, default=0)} times at least"
    return _best(told, now, portal, options, "min_reads", lambda one: f"min_reads = {one.min_reads}", why)


def _best(
    told: Study,
    now: Trial,
    portal: Portal,
    options: list[Portal],
    about: str,
    line: Callable[[Portal], str],
    why: str,
) -> tuple[list[Proposal], Portal]:
    """The option with the fewest tags judged wrongly, if none that moved is lost; the nearest one of equals."""
    if len(told.labels) < ENOUGH:
        return [], portal
    standing = trial(told.settings, portal, told.inputs, told.labels) if portal != told.portal else now
    best, found = portal, standing
    for option in sorted(options, key=lambda one: abs(getattr(one, about) - getattr(portal, about))):
        tried = trial(told.settings, option, told.inputs, told.labels)
        if tried.better(standing) and tried.errors < found.errors:
            best, found = option, tried
    if best == portal:
        return [], portal
    return [Proposal(about, (line(best),), why, effect(standing, found))], best


def _quiet(told: Study, now: Trial) -> Iterator[Proposal]:
    """quiet: shorter where no silence within a load needs it; longer where one load made two passages."""
    if len(told.passages) < ENOUGH:
        return
    cut = _cuts(told)
    if cut:
        tried = [(trial(told.settings, replace(told.portal, quiet=us), told.inputs, told.labels), us) for us in QUIETS
                 if us > told.portal.quiet]  # fmt: skip
        found = [(after.errors, after.passages, us, after) for after, us in tried if after.errors <= now.errors]
        if not found or min(found)[1] >= now.passages:
            return
        _, _, wanted, after = min(found)
        why = f"{len(cut)} loads made two passages: they were silent in the door for up to {max(cut) / SECOND:.1f} s"
        when = f"verdicts come {(wanted - told.portal.quiet) / SECOND:.1f} s later"
        yield Proposal("quiet", (f'quiet = "{wanted // 1000}ms"',), why, f"{when}; {effect(now, after)}")
        return
    silences = [gap for passage in told.passages for gap in _silences(told, passage)]
    longest = max(silences, default=told.portal.quiet)
    wanted = max(QUIET_LEAST, -(-round(longest * SLACK) // 100_000) * 100_000)
    if wanted > told.portal.quiet * 3 // 4:
        return
    after = trial(told.settings, replace(told.portal, quiet=wanted), told.inputs, told.labels)
    if after.passages != now.passages or (after != now and not after.better(now)):
        return
    why = f"the longest silence while a load was in the door was {longest / SECOND:.1f} s"
    when = f"verdicts come {(told.portal.quiet - wanted) / SECOND:.1f} s earlier"
    yield Proposal("quiet", (f'quiet = "{wanted // 1000}ms"',), why, f"{when}; {effect(now, after)}")


def _beam(told: Study, now: Trial) -> Iterator[Proposal]:
    """gap: longer where the eyes made several vehicles of one load."""
    cut = _pieces(told.passages)
    if cut < ENOUGH or told.portal.flow:
        return
    best: tuple[int, int, Trial] | None = None
    for us in GAPS:
        if us <= told.portal.gap:
            continue
        found = passages(under(told.settings, replace(told.portal, gap=us)), told.inputs, told.portal.id)
        after, left = judged(found, told.labels), _pieces(found)
        if after.errors <= now.errors and after.unknown <= now.unknown and (best is None or left < best[0]):
            best = left, us, after
    if best is None or 2 * best[0] > cut:
        return
    left, us, after = best
    why = (
        f"{cut} times a vehicle without goods was in the beams right before one with goods or behind it, or both had "
        "the same goods: beams near the floor see legs and the feet of pallets; better hang them at 0.5 m"
    )
    yield Proposal("gap", (f'gap = "{us // 1000}ms"',), why, f"{left} times instead of {cut}; {effect(now, after)}")


def _pieces(found: Sequence[Passage]) -> int:
    """How often what may be one load was two vehicles to the eyes."""
    seen = [one for one in found if one.evidence.get("eyes")]
    pieces = 0
    for one, following in pairwise(sorted(seen, key=lambda passage: passage.opened)):
        mine, its = ({*each.moved, *each.evidence.get("turned", ())} for each in (one, following))
        alone = bool(mine) != bool(its)
        pieces += following.opened - one.closed < PIECES and (alone or bool(mine & its))
    return pieces


def _cuts(told: Study) -> list[int]:
    """The silences (µs) that cut one load into two passages: most of its tags count in both."""
    found = []
    for one, following in pairwise(told.passages):
        shared = len(set(one.moved) & set(following.moved))
        gap = following.opened - one.closed
        if 0 < gap < APART and shared and 2 * shared >= min(len(one.moved), len(following.moved)):
            found.append(gap)
    return found


def _silences(told: Study, passage: Passage) -> Iterator[int]:
    """µs between two strong reads of whatever moved in a passage."""
    moved = {label.epc for label in told.labels if label.moved and label.begin == passage.opened}
    times = sorted(
        one.at
        for epc in moved
        for one in told.sights[epc]
        if passage.opened <= one.at <= passage.closed and one.level >= told.portal.min_rssi
    )
    for before, after in pairwise(times):
        yield after - before


# -- power ------------------------------------------------------------------------------------------------------------


def _power(told: Study, now: Trial) -> Iterator[Proposal]:
    """Power per antenna: less where what stands is loud and what moves louder than need be; more where it is faint."""
    stood = {label.epc for label in told.labels if not label.moved}
    spans = {(label.epc, label.begin, label.end) for label in told.labels if label.moved}
    for antenna in told.portal.antennas:
        key = (antenna.reader, antenna.port)
        peaks = []
        for epc, begin, end in spans:
            levels = [one.level for one in told.sights[epc] if one.antenna == key and begin <= one.at <= end]
            peaks += [max(levels)] if levels else []
        loud = [
            max(levels)
            for epc in stood
            if (levels := [one.level for one in told.sights[epc] if one.antenna == key])
            and max(levels) >= told.portal.min_rssi
        ]
        if len(peaks) < ENOUGH:
            continue
        usual = middle(peaks)
        if len(loud) >= ENOUGH and usual > STRONG:
            less = min(6, round((usual - STRONG) / 2) + 1)
            quieter = [(t, _quieter(item, key, less) if isinstance(item, Reads) else item) for t, item in told.inputs]
            after = trial(told.settings, told.portal, quieter, told.labels)
            if not after.better(now) or after.strays >= now.strays:
                continue
            why = (
                f"antenna {antenna.port} of {antenna.reader} hears {len(loud)} tags that stand, up to "
                f"{max(loud):.0f} dBm, and what moves at {usual:.0f} dBm: lower its power_dbm by {less}"
            )
            yield Proposal("power", (), why, f"{effect(now, after)} (estimated from levels {less} dB lower)")
        elif usual < WEAK:
            why = f"antenna {antenna.port} of {antenna.reader} hears what moves at {usual:.0f} dBm in the middle"
            yield Proposal("power", (), why, "give it more power_dbm, or bring it nearer: tags are close to silence")


def _quieter(item: Reads, antenna: tuple[str, int], less: int) -> Reads:
    """The reads with those of one antenna so many dB fainter; a tag that falls below what any is heard at is not."""
    if item.reader != antenna[0] or "rssi" not in item.columns:
        return item
    port, level = item.columns.index("antenna"), item.columns.index("rssi")
    rows = []
    for row in item.reads:
        if row[port] == antenna[1] and row[level] is not None:
            if row[level] - less < FAINTEST:
                continue
            row = (*row[:level], row[level] - less, *row[level + 1 :])
        rows.append(row)
    return Reads(item.reader, tuple(rows), item.columns)
