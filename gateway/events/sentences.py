"""The one catalogue of reason codes: what each says to a person, and what to do about it.

Codes are lower_snake_case and stable: central, golden files and operators' filters know them. A new reason anywhere
in the gateway is a new row here.
"""

SENTENCES: dict[str, str] = {
    # Movements (verdicts accepted, held, refused)
    "matched": "What moved is what was expected.",
    "moved": "The goods changed their place inside the site.",
    "refused": "The movement was refused; stock did not change.",
    "short": "Less moved than was expected; the rest is still open.",
    "over": "More moved than was expected; what is over waits for a decision.",
    "unknown_tag": "A tag moved that no expectation, no stock and no lot explains.",
    "unknown_lot": "The goods are known by GTIN, but nothing says which lot they are.",
    "expired": "The lot's expiry date has passed.",
    "short_shelf_life": "The lot expires sooner than the customer accepts.",
    "no_expiry": "The lot has no expiry date, and here it needs one.",
    "wrong_product": "A product moved that the announcement of this unit does not name.",
    "no_expectation": "No ASN or order announces this logistic unit.",
    "already_received": "This logistic unit was received before.",
    "already_shipped": "This logistic unit was shipped before.",
    "not_in_stock": "The ledger does not have these goods here.",
    "on_hold": "The lot or unit is on hold and may not move until it is released.",
    "direction_unknown": "The reads do not tell which way the goods went.",
    "wrong_door": "These goods were expected at another door, or go the other way here.",
    "several_units": "More than one logistic unit crossed in one passage.",
    "ambiguous": "More than one expectation could explain these goods.",
    "conflict": "The tag and the document disagree about the lot.",
    "contradiction": "Tag, ledger and documents name different lots for the same item; a person must decide.",
    "wrong_lot": "Another lot of an announced product came instead of the announced one.",
    "missing_items": "Items of the unit that were expected to be read were not.",
    "inferred_contents": "The contents are trusted from the document; their tags were not read.",
    "weight_mismatch": "The measured weight is too far from the expected weight.",
    "no_weight": "No settled weight belongs to this passage.",
    "lot_rejected": "Quality control has rejected this lot, or has not let it pass yet.",
    "implausible_expiry": "The expiry date lies later than production plus shelf life.",
    "wrong_climate": "The lot is to be kept in another climate than that of the location.",
    "out_of_cold": "The lot was outside its storage class for longer than it may be.",
    "earlier_lot": "A lot that should leave first stands here.",
    "site_rule": "A rule of this site decided so; the evidence names it.",
    "held_there": "The goods came to where their lot is on hold; there they are on hold, too.",
    "disposed": "A person disposed of the goods.",
    "put_away": "A person put the goods away.",
    "consumed": "The goods became part of a product.",
    "produced": "This site made the goods.",
    "excursion": "The goods stood where a limit was broken.",
    # Holds and their ends
    "held_by_person": "A person put the lot on hold.",
    "held_by_central": "Central put the lot on hold.",
    "rejected": "A person inspected the lot and rejected it.",
    "inspection": "The lot waits for an inspection.",
    "released_by_person": "A person released the lot.",
    "hold_withdrawn": "Central withdrew its hold, and no other is open.",
    "goods_changed": "The announcement came late: the goods are no longer as received; nothing is corrected.",
    # Passages
    "empty_passage": "Something crossed, but no tag moved.",
    "stray": "The tag was near the door, but did not cross.",
    "longest_passage": "The passage was closed because it lasted longer than the portal allows.",
    # Downlink and commands
    "bad_document": "The document could not be read; it was not applied.",
    "stale_version": "A newer version of the document is already known; this one was not applied.",
    "unknown_topic": "No document is known under this topic.",
    "bad_command": "The command or its arguments could not be read; nothing was done.",
    "unknown_command": "This gateway knows no such command.",
    "unknown_alarm": "There is no such alarm.",
    "nothing_to_ack": "The alarm is not waiting for an acknowledgement.",
    # Inputs
    "bad_input": "A message of a device could not be read; it was counted and skipped.",
    "unknown_device": "The configuration has no such device.",
    "unknown_antenna": "No portal owns this antenna.",
    "late_read": "A read arrived after its passage had been decided.",
    "device_down": "The device does not answer; it is tried again for ever.",
    "device_fault": "The device answers, but refuses an essential command.",
    "quarantined_input": "An input crashed the rules twice; it was set aside and skipped.",
    "journal_truncated": "The journal ended in a torn record, which was cut off.",
    "clock_unsynced": "The clock is not synchronised; times may be wrong.",
    # Outbox
    "publish_refused": "The broker refused the event by reason code; it was set aside.",
    "publish_undeliverable": "The connection dropped again and again at this event; it was set aside.",
    "too_large": "The event is larger than the broker accepts; it was set aside.",
    "parked": "Events were set aside as undeliverable.",
    "disk_full": "The disk is full; what is named here was given up.",
    # Alarms
    "limit_high": "The value is above its limit.",
    "limit_low": "The value is below its limit.",
    "sensor_stale": "The sensor has said nothing for too long.",
}
"""Reason code → sentence."""


def sentence(code: str) -> str:
    """The sentence of a reason code; an unknown code is named, never raised."""
    return SENTENCES.get(code) or f"Reason {code!r} (not in the catalogue)."


def sentences(codes: tuple[str, ...]) -> str:
    """The sentences of several codes as one text."""
    return " ".join(sentence(code) for code in codes)
