"""Schemes of TDS 2.x without partition table (TDS 2.3 §14.6): `+`, with '+AIDC data', and `++`, with a hostname too."""

from msgspec import Struct

from gateway.identity.bits import Bits
from gateway.identity.elements import date, element, elements
from gateway.identity.hosts import hostname
from gateway.identity.identity import Identity, MalformedError
from gateway.identity.links import link

_DATES = ("11", "13", "15", "16", "17", "7006", "7007")
"""AI by date type indicator (§14.5.3)."""

_SERIAL_BEHIND = {"253": 13, "255": 13, "8003": 14}
"""AI → characters before its serial, which an EPC must have."""


class Plus(Struct, frozen=True):
    """A row: its elements in their order, the first of them the key."""

    name: str
    keys: tuple[str, ...]
    dated: bool = False
    hosted: bool = False

    def read(self, hex_: str, bits: Bits) -> Identity:
        """The identity of what follows the header at the cursor, to its last bit.

        Raises:
            MalformedError: the bits break a rule of the scheme or of an element.
        """
        toggle, filter_ = bool(bits.take(1)), bits.take(3)
        dates = self._date(bits) if self.dated else {}
        ai = {key: element(key, bits) for key in self.keys}
        if len(ai[self.keys[0]]) == _SERIAL_BEHIND.get(self.keys[0]):
            raise MalformedError(f"AI ({self.keys[0]}): a class without serial is no EPC")
        if ai.get("254") == "0":
            del ai["254"]  # a GLN without extension (§6.3.3)
        uri = link(ai, self.keys[0])
        host = hostname(bits) if self.hosted else None
        ai |= dates
        if toggle:
            for name, value in elements(bits):
                if name in ai:
                    raise MalformedError(f"AI ({name}) stands there twice")
                ai[name] = value
        elif bits.rest():
            raise MalformedError("its toggle says that nothing follows, but bits are set")
        return Identity(hex_, self.name, uri, link(ai, self.keys[0]), ai, filter_, toggle=toggle, host=host)

    def _date(self, bits: Bits) -> dict[str, str]:
        """The prioritised date (§14.5.3)."""
        kind = bits.take(4)
        if kind >= len(_DATES):
            raise MalformedError(f"date type {kind} is reserved")
        return {_DATES[kind]: date(bits)}


def _hosted(plus: Plus) -> Plus:
    return Plus(f"{plus.name}+", plus.keys, plus.dated, hosted=True)


_PLUS = {
    0xF0: Plus("cpi+", ("8010", "8011")),
    0xF1: Plus("grai+", ("8003",)),
    0xF2: Plus("sgln+", ("414", "254")),
    0xF3: Plus("itip+", ("8006", "21")),
    0xF4: Plus("gsrn+", ("8018",)),
    0xF5: Plus("gsrnp+", ("8017",)),
    0xF6: Plus("gdti+", ("253",)),
    0xF7: Plus("sgtin+", ("01", "21")),
    0xF8: Plus("sgcn+", ("255",)),
    0xF9: Plus("sscc+", ("00",)),
    0xFA: Plus("giai+", ("8004",)),
    0xFB: Plus("dsgtin+", ("01", "21"), dated=True),
}

SCHEMES: dict[int, Plus] = {
    **_PLUS,
    0xE6: _hosted(_PLUS[0xF0]),
    0xE7: _hosted(_PLUS[0xF4]),
    0xE8: _hosted(_PLUS[0xF5]),
    0xE9: _hosted(_PLUS[0xF2]),
    0xEA: _hosted(_PLUS[0xF6]),
    0xEB: _hosted(_PLUS[0xF1]),
    0xEC: _hosted(_PLUS[0xF8]),
    0xED: _hosted(_PLUS[0xF3]),
    0xEE: _hosted(_PLUS[0xFA]),
    0xEF: _hosted(_PLUS[0xF9]),
    0xFC: _hosted(_PLUS[0xFB]),
    0xFD: _hosted(_PLUS[0xF7]),
}
"""Schemes by header byte (Table 14-1)."""
