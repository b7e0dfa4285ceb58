"""The tables of a scenario file, one class each; an unknown key is a mistake.

What is announced (`asn`, `order`) and what is really on a pallet (`pallet`) are written apart, so that they may differ.
Expiry dates may be given in days from the day of play, so that a demo does not go stale. Seconds count from the start.
"""

from datetime import date, timedelta

from msgspec import Struct

from simulators import epc


class Site(Struct, frozen=True, forbid_unknown_fields=True):
    """The site and its gateway."""

    id: str
    timezone: str
    gln: str
    gateway: str
    prefix: str = "tallyman/v1"


class Location(Struct, frozen=True, forbid_unknown_fields=True):
    """Where goods rest."""

    id: str
    kind: str


class Antenna(Struct, frozen=True, forbid_unknown_fields=True):
    """A reader's antenna port and where at the door it hangs; outer is towards the street."""

    port: int
    row: str
    side: str


class Eye(Struct, frozen=True, forbid_unknown_fields=True):
    """A photo-eye on a GPI port; `blocked` is the level while something stands in the beam."""

    port: int
    row: str
    blocked: bool = True


class Portal(Struct, frozen=True, forbid_unknown_fields=True):
    """A dock door with its reader, light stack (GPO ports) and perhaps a scale."""

    id: str
    location: str
    reader: str
    antennas: tuple[Antenna, ...]
    eyes: tuple[Eye, ...]
    green: int
    red: int
    amber: int
    hold: str = "3s"
    scale: str | None = None


class Field(Struct, frozen=True, forbid_unknown_fields=True):
    """One quantity in a sensor's registers: the register holds value / scale."""

    name: str
    address: int
    unit: str
    scale: float = 0.1
    type: str = "int16"


class Curve(Struct, frozen=True, forbid_unknown_fields=True):
    """A quantity over time: [second, value] points, straight lines between them."""

    field: str
    points: tuple[tuple[float, float], ...]


class Sensor(Struct, frozen=True, forbid_unknown_fields=True):
    """A climate sensor behind the Modbus slave, and what it will measure."""

    id: str
    location: str
    unit: int
    fields: tuple[Field, ...]
    curves: tuple[Curve, ...]
    poll: str = "500ms"


class Alarm(Struct, frozen=True, forbid_unknown_fields=True):
    """A high limit on a sensor's field; delays in seconds, deadband in the field's unit."""

    id: str
    sensor: str
    field: str
    high: float
    deadband: float
    on_delay: float
    off_delay: float
    priority: str = "high"
    hold: bool = True


class Party(Struct, frozen=True, forbid_unknown_fields=True):
    """A supplier or customer."""

    id: str
    gln: str
    name: str


class Product(Struct, frozen=True, forbid_unknown_fields=True):
    """Master data of a GTIN; `prefix` is the length of its GS1 company prefix."""

    gtin: str
    name: str
    prefix: int


class Lot(Struct, frozen=True, forbid_unknown_fields=True):
    """A lot; `expiry` an ISO date, or days from the day of play."""

    gtin: str
    lot: str
    expiry: int | str
    supplier: str


class Reference(Struct, frozen=True, forbid_unknown_fields=True):
    """A business document."""

    type: str
    id: str


class AnnouncedLine(Struct, frozen=True, forbid_unknown_fields=True):
    """So many of a lot; with `first` the cases are serialised from there on, without it they carry no tags."""

    gtin: str
    lot: str
    quantity: int
    first: int | None = None


class AnnouncedUnit(Struct, frozen=True, forbid_unknown_fields=True):
    """A pallet as a document describes it."""

    sscc: str
    lines: tuple[AnnouncedLine, ...]
    gross_weight: str | None = None


class Announcement(Struct, frozen=True, forbid_unknown_fields=True):
    """An ASN (party: supplier) or an order (party: customer)."""

    id: str
    party: str
    documents: tuple[Reference, ...] = ()
    unit: tuple[AnnouncedUnit, ...] = ()


class Cases(Struct, frozen=True, forbid_unknown_fields=True):
    """Tagged cases that really stand on a pallet; `unreadable` of them have a dead tag."""

    gtin: str
    first: int
    count: int
    unreadable: tuple[int, ...] = ()


class Pallet(Struct, frozen=True, forbid_unknown_fields=True):
    """What really comes: the SSCC on its tag, its cases, tags that are no GS1 EPC, and its weight in kg."""

    name: str
    sscc: str
    prefix: int
    weight: str
    cases: tuple[Cases, ...] = ()
    raw: tuple[str, ...] = ()


class Strays(Struct, frozen=True, forbid_unknown_fields=True):
    """Tags that do not move: `static` are read weakly through the whole passage, `sporadic` once or twice."""

    gtin: str
    first: int
    static: int = 0
    sporadic: int = 0


class Passage(Struct, frozen=True, forbid_unknown_fields=True):
    """A pallet goes through a door: begins `at` seconds, takes `takes` seconds, direction in or out."""

    at: float
    portal: str
    direction: str
    pallet: str
    takes: float = 2.6
    strays: Strays | None = None


class Scenario(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file. `duration` is when the play ends, seconds; `today` the day of play."""

    name: str
    title: str
    seed: int
    duration: float
    site: Site
    location: tuple[Location, ...]
    portal: tuple[Portal, ...]
    sensor: tuple[Sensor, ...] = ()
    alarm: tuple[Alarm, ...] = ()
    party: tuple[Party, ...] = ()
    product: tuple[Product, ...]
    lot: tuple[Lot, ...] = ()
    asn: tuple[Announcement, ...] = ()
    order: tuple[Announcement, ...] = ()
    pallet: tuple[Pallet, ...]
    passage: tuple[Passage, ...]
    today: date = date(2000, 1, 1)

    def prefix_of(self, gtin: str) -> int:
        """The company prefix length of a GTIN."""
        return next(product.prefix for product in self.product if product.gtin == gtin)

    def portal_of(self, portal: str) -> Portal:
        """A portal by id."""
        return next(each for each in self.portal if each.id == portal)

    def pallet_of(self, name: str) -> Pallet:
        """A pallet by name."""
        return next(each for each in self.pallet if each.name == name)

    def expiry(self, gtin: str, lot: str) -> date | None:
        """When a lot expires; None if the scenario does not know the lot."""
        for each in self.lot:
            if (each.gtin, each.lot) == (gtin, lot):
                days = each.expiry
                return self.today + timedelta(days) if isinstance(days, int) else date.fromisoformat(days)
        return None

    def tags(self, pallet: Pallet) -> list[str]:
        """The EPCs (hex) that can be read on a pallet: its own first, then its cases and the odd ones."""
        tags = [epc.sscc96(pallet.sscc, pallet.prefix)]
        for cases in pallet.cases:
            prefix = self.prefix_of(cases.gtin)
            serials = (cases.first + number for number in range(cases.count))
            tags += [epc.sgtin96(cases.gtin, str(each), prefix) for each in serials if each not in cases.unreadable]
        return tags + [epc.raw(each) for each in pallet.raw]
