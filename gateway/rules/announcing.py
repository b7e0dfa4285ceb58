"""A document of central against what is known of it: newer wins, and what it changes at once. Pure."""

from gateway.model.documents import Asn, HoldOrder
from gateway.model.facts import Facts, HoldFact
from gateway.model.outcome import Decision, DocumentChange, Effect, Rejection
from gateway.model.settings import Settings
from gateway.rules import holding
from gateway.rules.candidates import Ordered
from gateway.rules.correcting import Rule, corrected
from gateway.rules.documents import Announced
from gateway.rules.parts import part_problem, repeated


def announced(settings: Settings, one: Announced, facts: Facts, rule: Rule) -> tuple[list[Decision], list[Effect]]:
    """Enter a newer version or a withdrawal; an older version is refused, the same one changes nothing of itself.

    Receipts that waited for an ASN are judged again, also when another gateway of the site has entered it already.
    """
    known = facts.documents.get(f"{one.kind}/{one.id}", 0)
    if one.document is None:
        if not known:
            return [], []
        released, ended = _hold(settings, one, facts, known)
        return released, [DocumentChange(one.kind, one.id, known, None), *ended]
    if one.document.version < known:
        detail = f"version {one.document.version} arrived after version {known}; the newer one stays"
        return [Rejection(one.source, one.at, "stale_version", detail)], []
    fresh = not repeated(one, known, facts)
    if fresh and (problem := part_problem(one, facts)):
        return [Rejection(one.source, one.at, "bad_document", problem)], []
    decisions: list[Decision] = []
    effects: list[Effect] = []
    if fresh:
        effects.append(DocumentChange(one.kind, one.id, one.document.version, one.document, one.part, one.last))
        decisions, held = _hold(settings, one, facts, one.document.version)
        effects += held
    if isinstance(one.document, Asn):
        decisions, right = corrected(settings, one, one.document, facts, rule)
        effects += right
    return decisions, effects


def _hold(settings: Settings, one: Announced, facts: Facts, version: int) -> tuple[list[Decision], list[Effect]]:
    """What central's hold does to the goods that stand here."""
    if one.kind != "hold":
        return [], []
    key = f"hold/{one.id}/{version}/{'set' if one.document is not None else 'withdrawn'}"
    order = Ordered(key, one.at, "central")
    document = one.document
    if not isinstance(document, HoldOrder):
        return holding.ordered(settings, order, one.id, None, facts)
    new = HoldFact(document.gtin, document.lot, document.location, document.reason, document.version)
    return holding.ordered(settings, order, one.id, new, facts)
