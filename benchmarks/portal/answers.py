"""What somebody (the gateway, a rival) says of a portal: the form that is scored."""

from typing import Any

from msgspec import Struct, field


class Answer(Struct, frozen=True):
    """One passage as told. Instants µs; tags are EPC hex.

    `stock` are the tags that came into stock with it (accepted or held receipts), `shipped` those that left it.
    `number` is the truth passage it answers, where the answer was asked for that one; None: to be matched.
    """

    portal: str
    opened: int
    closed: int
    direction: str  # in | out | none | unknown
    moved: frozenset[str]
    stock: frozenset[str] = frozenset()
    shipped: frozenset[str] = frozenset()
    number: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> frozenset[str]:
        """The tags that it says went through: what turned round or stayed in the field did not."""
        return frozenset() if self.direction == "none" else self.moved
