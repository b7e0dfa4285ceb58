"""Documents in parts: a very long announcement is entered in turns that stay short. Pure.

Parts are numbered from 0 and come in order; part 0 begins anew, the last one completes the document. Until then what
has come already holds: a pallet of part 3 is received by it while part 90 is on its way.
"""

from gateway.model.facts import Facts
from gateway.rules.documents import Announced


def repeated(one: Announced, known: int, facts: Facts) -> bool:
    """Whether the ledger has this version complete already: every part of it is an old story."""
    assert one.document is not None
    return one.document.version == known and f"{one.kind}/{one.id}" not in facts.partial


def part_problem(one: Announced, facts: Facts) -> str | None:
    """Why this part cannot be entered now; None when it can."""
    if one.part == 0:
        return None
    assert one.document is not None
    coming = facts.partial.get(f"{one.kind}/{one.id}")
    version = one.document.version
    if coming is None or coming.version != version:
        return f"part {one.part} of version {version} came, and its part 0 never did; send all of it again"
    if coming.parts != one.part:
        return f"part {one.part} came where part {coming.parts} was due; send the document again from part 0"
    return None
