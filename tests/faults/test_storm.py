"""The storm: random movements while everything breaks, and in the end central's stock is the ledger's, to the piece.

A real daemon, a real Mosquitto behind a relay, simulated readers and a sensor, and central with its own database, which
knows only `evt`. What happens is drawn by hypothesis: every kind of movement and every kind of blow comes in each
storm, in random order and with random numbers. `TALLYMAN_STORMS=20` weathers twenty of them.
"""

import asyncio
import contextlib
import importlib.util
import os
import random
import signal
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from simulators.modbus import ModbusSlave

_spec = importlib.util.spec_from_file_location("daemon_bench", Path(__file__).parents[1] / "system" / "daemon_bench.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)

STORMS = int(os.environ.get("TALLYMAN_STORMS", "2"))
"""How many storms; one takes about 25 s."""

DEEDS = (
    *("receive",) * 5,
    *("ship",) * 3,
    *("transfer",) * 2,
    *("late asn",) * 2,
    "return",
    "excursion",
    "lot data",
    "hold",
    "release",
    *("move",) * 2,
    "dispose",
    "produce",
    *("resend",) * 2,
)
BLOWS = (
    *("kill the gateway",) * 2,
    "stop the broker",
    "kill the broker",
    "tear the link",
    "freeze the link",
)
"""What each storm is made of. The deeds go on while the blows come."""

STORM = st.tuples(st.permutations(DEEDS), st.permutations(BLOWS), st.integers(0, 2**32 - 1))


@pytest.mark.timeout(60 + 60 * STORMS)
@settings(max_examples=STORMS, phases=[Phase.explicit, Phase.generate], database=None)
@given(STORM)
def test_central_has_the_ledgers_stock_after_any_storm(storm):
    """Whatever moved and broke: nothing lost, nothing doubled, no hole in the numbers, stock and lot states equal."""
    deeds, blows, seed = storm
    asyncio.run(weather(deeds, blows, random.Random(seed)))


async def weather(deeds, blows, chance: random.Random) -> None:
    """One storm, from an empty house to the comparison."""
    with bench.place() as folder:
        (folder / "mosquitto").mkdir()
        async with (
            bench.Broker(folder / "mosquitto") as broker,
            bench.Relay(broker.port) as relay,
            bench.dock(3) as dock,
            bench.central(folder, broker.port, confirms=True) as central,
            sensor() as slave,
            bench.unstarted(folder, house(dock, relay.port, slave)) as gateway,
        ):
            gateway.unmeasured()
            await gateway.start()
            await dock.active()
            site = Site(gateway, dock, central, slave, chance)
            sky = Sky(gateway, broker, relay, chance)
            doing = asyncio.create_task(site.work(deeds))
            try:
                for blow in blows:
                    await asyncio.sleep(chance.uniform(0.1, 1.0))
                    await sky.strike(blow)
                await doing
            finally:
                doing.cancel()
                await asyncio.gather(doing, return_exceptions=True)
            await site.at_rest()
            await compare(gateway, central, broker.port, site.named)


@contextlib.asynccontextmanager
async def sensor():
    """A sensor in the cold room, at 4.1 °C."""
    slave = ModbusSlave()
    slave.set_register(1, "input", 0, [41, 702])
    slave.port = await slave.start()
    try:
        yield slave
    finally:
        await slave.stop()


def house(dock, mqtt: int, slave) -> str:
    """Doors 1 and 2 lead into the cold room; door 3 from there into the hall. Central confirms within a second."""
    text = bench.configuration(dock.ports, more=bench.CLIMATE.format(port=slave.port))
    text += f'\n[[location]]\nid = "hall"\n\n[mqtt]\nurl = "mqtt://127.0.0.1:{mqtt}"\nconfirm_within = "1s"\n'
    inner = 'id = "dock-3"\nlocation = "cold-2"'
    assert inner in text
    return text.replace(inner, 'id = "dock-3"\nlocation = "hall"\noutside = "cold-2"')


class Site:
    """The people and the goods. A deed that nobody saw, because the gateway was down, is none: that is no loss."""

    def __init__(self, gateway, dock, central, slave, chance: random.Random) -> None:
        self.gateway, self.dock, self.central, self.slave, self.chance = gateway, dock, central, slave, chance
        self.pallets = []
        self.away = []
        self.named: dict[str, str] = {}  # lot → what central says it is

    async def work(self, deeds) -> None:
        """One deed after the other; now and then two at once."""
        rest = list(deeds)
        while rest:
            some, rest = rest[:2], rest[2:]
            await asyncio.gather(*(self.do(deed, door) for door, deed in enumerate(some, 1)))

    async def do(self, deed: str, door: int) -> None:
        """A deed, at a door where it needs one."""
        pallet = self.chance.choice(self.pallets) if self.pallets else None
        if deed == "receive" or pallet is None:
            await self.receive(door)
        elif deed == "ship":
            if self.chance.random() < 0.7:
                self.announce(bench.order(f"O{pallet.number}", pallet.unit()))
            await self.dock.cross(pallet.tags, door, "out")
            self.away.append(pallet)
        elif deed == "transfer":
            async with self.inner:
                await self.dock.cross(pallet.tags, 3, self.chance.choice(("in", "in", "out")))
        elif deed == "return":
            back = self.chance.choice(self.away or [pallet])
            self.announce(bench.asn(f"R{back.number}", back.unit()) | {"type": "return"})
            await self.dock.cross(back.tags, door)
        elif deed == "late asn":
            self.announce(bench.asn(f"L{pallet.number}", pallet.unit()))
        elif deed == "excursion":
            await self.excursion()
        elif deed == "lot data":
            self.announce_lot(self.chance.choice(LOTS), f"Käse {self.chance.randint(1, 9)}")
        else:
            await self.order(deed, self.chance.choice(LOTS), pallet)

    async def receive(self, door: int) -> None:
        """A new pallet comes in: announced as it is, with too few or too many, twice, or not at all."""
        number = len(self.pallets) + 1
        pallet = bench.Pallet(number, cases=self.chance.randint(1, 6), lot=self.chance.choice(LOTS))
        self.pallets.append(pallet)
        announced = self.chance.choice((pallet.cases, pallet.cases, pallet.cases + 2, max(1, pallet.cases - 1), None))
        if announced is not None:
            for _ in range(self.chance.choice((1, 1, 2))):
                self.announce(bench.asn(f"A{number}", loaded(pallet, announced)))
        await self.dock.cross(pallet.tags, door)

    async def excursion(self) -> None:
        """The cold room gets too warm for a while, and what stands there is held."""
        self.slave.set_register(1, "input", 0, [93, 702])
        await asyncio.sleep(self.chance.uniform(0.2, 0.9))
        self.slave.set_register(1, "input", 0, [41, 702])

    async def order(self, deed: str, lot: str, pallet) -> None:
        """A person at the gateway says so; it may be refused, and nobody may be there to hear it."""
        first, some, place = self.chance.randint(1, 20), str(self.chance.randint(1, 3)), self.chance.choice(PLACES)
        orders = {
            "resend": ("outbox", "resend", str(first), str(first + self.chance.randint(0, 30))),
            "hold": ("lot", "hold", f"{bench.GTIN}/{lot}", *self.chance.choice(((), ("--location", place)))),
            "release": ("lot", "release", f"{bench.GTIN}/{lot}"),
            "move": self.chance.choice(
                (("move", pallet.sscc, place), ("move", f"{LOOSE}/{lot}", place, "--quantity", some))
            ),
            "dispose": ("dispose", f"{LOOSE}/{lot}", "--from", place, "--quantity", some),
            "produce": ("produce", "P1", "--input", f"{LOOSE}/{lot}={some}", "--output", f"{MADE}={some}"),
        }
        if deed == "produce":
            self.announce_production("P1", lot)
        if self.gateway.running and (self.gateway.folder / "t.sock").exists():
            await self.gateway.cli(*orders[deed])

    def announce(self, document) -> None:
        """What central sends."""
        (announcement,) = bench.announced(document)
        self.central.announce(announcement)

    def announce_lot(self, lot: str, product: str) -> None:
        """Master data of a lot, under a topic that has its name."""
        self.named[lot] = product
        document = {"version": len(self.named), "product": product}
        self.central.announce(bench.Document("lot", (bench.GTIN, lot), document))

    def announce_production(self, name: str, lot: str) -> None:
        """A production order."""
        portion = {"gtin": LOOSE, "lot": lot, "quantity": "2", "unit": "each"}
        gtin, _, made = MADE.partition("/")
        outputs = [{"gtin": gtin, "lot": made, "quantity": "2", "unit": "each"}]
        document = {"production": name, "location": "cold-2", "inputs": [portion], "outputs": outputs}
        self.central.announce(bench.Document("production", (name,), document))

    @property
    def inner(self) -> asyncio.Lock:
        """One at a time through the inner door."""
        return self.__dict__.setdefault("_inner", asyncio.Lock())

    async def at_rest(self) -> None:
        """Everything that crossed before is decided: a last pallet at each door is, and the cold room is cold."""
        await bench.until(lambda: self.gateway.said("ready"), 20, "ready")
        await self.dock.active(20)
        await bench.until(self.cold, 20, "the cold room is cold")
        last = [bench.Pallet(99_990 + door, lot=LAST) for door in (1, 2)]
        document = self.gateway.folder / "last.json"
        document.write_text(bench.text([bench.asn(f"Z{pallet.number}", loaded(pallet)) for pallet in last]))
        assert (await self.gateway.cli("asn", "import", str(document))).code == 0
        for door, pallet in enumerate(last, 1):
            await self.dock.cross(pallet.tags, door)
        await self.dock.cross(last[0].tags, 3)

        def decided() -> bool:
            movements = self.gateway.movements()
            crossed = {one["sscc"] for one in movements if one["portal"] == "dock-3"}
            return {pallet.sscc for pallet in last} <= {one["sscc"] for one in movements} and last[0].sscc in crossed

        await bench.until(decided, 20, "the last pallets")
        await self.afterwards(f"{LOOSE}/{LAST}", last[1].sscc)

    def cold(self) -> bool:
        """No alarm of the sensor is active: what comes now is not held for it."""
        with self.gateway.view() as view:
            return all(
                row["state"] in ("normal", "rtn_unacked") for row in view.alarms() if row["alarm"] == "cold-2-warm"
            )

    async def afterwards(self, lot: str, sscc: str) -> None:
        """Every order of a person once where it must succeed, so that no storm is without one."""
        self.announce_production("P9", LAST)
        for order in (
            ("lot", "hold", lot),
            ("lot", "release", lot),
            ("move", sscc, "hall"),
            ("move", lot, "cold-2", "--from", "hall", "--quantity", "3"),
            ("dispose", lot, "--from", "cold-2", "--quantity", "1"),
        ):
            said = await self.gateway.cli(*order)
            assert said.code == 0, (order, said)
        end = asyncio.get_running_loop().time() + 15
        while (said := await self.gateway.cli("produce", "P9")).code:
            assert asyncio.get_running_loop().time() < end, said
            await asyncio.sleep(0.2)


LOTS = ("A42-2610", "C7/26+#%ü")
"""Two lots; the second has everything in its name that a topic cannot have."""
LAST = "Z9"
"""The lot of the last pallets: nothing of the storm has touched it."""
LOOSE = "09501101530003"
"""Goods without tags on the same pallets: counted by the document, moved by the piece."""
MADE = "09501101530003/M1"
"""What production makes."""
PLACES = ("cold-2", "hall")


def loaded(pallet, tagged: int | None = None):
    """A pallet as a document describes it: its tagged cases and, on top, eight pieces without tags."""
    unit = pallet.unit(tagged)
    unit["lines"].append({"gtin": LOOSE, "lot": pallet.lot, "expiry": "2030-04-30", "quantity": "8", "unit": "each"})
    return unit


class Sky:
    """What breaks."""

    def __init__(self, gateway, broker, relay, chance: random.Random) -> None:
        self.gateway, self.broker, self.relay, self.chance = gateway, broker, relay, chance

    async def strike(self, blow: str) -> None:
        """One blow; what must run again, runs again when this returns."""
        match blow:
            case "kill the gateway":
                assert self.gateway.running, self.gateway.last_line()
                await self.gateway.kill()
                await asyncio.sleep(self.chance.choice((0, 0, 0.5)))
                self.gateway.spawn()
                if self.chance.random() < 0.7:  # else the next blow may hit it while it recovers
                    await self.gateway.ready()
            case "stop the broker" | "kill the broker":
                await self.broker.stop(signal.SIGTERM if blow.startswith("stop") else signal.SIGKILL)
                await asyncio.sleep(self.chance.uniform(0, 0.8))
                await self.broker.start()
            case "tear the link":
                self.relay.tear()
            case "freeze the link":
                self.relay.freeze()
                await asyncio.sleep(self.chance.uniform(0.2, 2.0))
                self.relay.tear()


async def compare(gateway, central, port: int, named: dict[str, str]) -> None:
    """Central against the ledger: events, stock, names of lots, and the retained states of the lots."""

    def delivered() -> bool:
        with gateway.view() as view:
            promised = view.events(1, 10**6, 10**6)
            return not view.outbox_counts()["pending"] and central.last.get(bench.GATEWAY) == promised[-1].seq

    await bench.until(delivered, 30, "everything with central")
    await central.wait_for(lambda each: not each.gaps, 30)
    with gateway.view() as view:
        promised = view.events(1, 10**6, 10**6)
        lots = [(row["gtin"], row["lot"]) for row in view.stock() if row["lot"] and row["quantity"] != "0"]
        states = {lot: view.lot_state(*lot) for lot in lots}
        products = {row["lot"]: row["product"] for row in view.lots()}
    assert [event.seq for event in promised] == list(range(1, len(promised) + 1))
    assert {event.id for event in promised} == {event["id"] for event in central.events()}
    assert central.rejected == []
    assert central.conflicts == central.reused == 0
    assert central.inventory() == gateway.stock()
    kinds = {event["kind"] for event in central.events()}
    assert kinds >= {"receipt", "movement", "shipment", "hold", "release", "transformation"}
    assert {lot: products[lot] for lot in named} == named
    async with bench.Retained(port) as retained:
        for (gtin, lot), state in states.items():
            topic = f"lot/{gtin}/{quote(lot, safe='')}"
            with contextlib.suppress(AssertionError):
                await bench.until(lambda topic=topic, state=state: retained.latest(topic) == state, 10)
            assert retained.latest(topic) == state
    assert await gateway.stop() == 0
