"""What carries goods and is none: the tags of assets. Pure."""

from gateway.identity import decode


def carrier(epc: str) -> bool:
    """Whether the tag is of an asset (GS1 General Specifications §2.3: GIAI, AI 8004, or GRAI, AI 8003).

    A truck, a roll cage, a pallet of a pool: it carries goods and is none, unless a document or the ledger names it.
    """
    ai = decode(epc).ai
    return "8004" in ai or "8003" in ai
