"""Reasons and what they mean for the verdict. The sentences for people are in `gateway.events.sentences`. Pure.

Order is the order reasons are given in. The most restrictive verdict wins (DESIGN §2: verdicts mean stock).
"""

ACCEPTED, HELD, REFUSED = "accepted", "held", "refused"
SEVERITY = {ACCEPTED: 0, HELD: 1, REFUSED: 2}

RECEIVE = {
    "already_received": REFUSED,
    "contradiction": HELD,
    "wrong_lot": HELD,
    "on_hold": HELD,
    "no_expectation": HELD,
    "unknown_tag": HELD,
    "over": HELD,
    "expired": HELD,
    "unknown_lot": ACCEPTED,
    "short": ACCEPTED,
    "matched": ACCEPTED,
}
SHIP = {
    "already_shipped": REFUSED,
    "contradiction": REFUSED,
    "unknown_tag": REFUSED,
    "on_hold": REFUSED,
    "expired": REFUSED,
    "no_expectation": REFUSED,
    "disposed": ACCEPTED,
    "matched": ACCEPTED,
}
TRANSFER = {
    "unknown_tag": REFUSED,
    "on_hold": REFUSED,
    "contradiction": HELD,
    "held_there": HELD,
    "put_away": ACCEPTED,
    "moved": ACCEPTED,
}
TABLES = {"receive": RECEIVE, "ship": SHIP, "transfer": TRANSFER}

LIGHT = {ACCEPTED: "green", HELD: "amber", REFUSED: "red"}


def table(kind: str) -> dict[str, str]:
    """The reasons of a type of movement and the verdict each asks for; a return is judged as a receipt."""
    return TABLES.get(kind, RECEIVE)


def weigh(kind: str, found: set[str]) -> tuple[str, tuple[str, ...]]:
    """The verdict and the ordered reasons of a movement of this type."""
    table = TABLES[kind]
    reasons = tuple(reason for reason in table if reason in found)
    return max((table[reason] for reason in reasons), key=SEVERITY.__getitem__), reasons


def arrives(type_: str, verdict: str) -> str | None:
    """The status in which goods that moved inside the site arrive, where it is not the one they left in."""
    return "hold" if type_ == "transfer" and verdict == HELD else None
