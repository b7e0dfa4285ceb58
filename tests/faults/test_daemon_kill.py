"""`kill -9` at any instant: the real daemon, Mosquitto and central, while pallets go through two doors."""

import asyncio
import importlib.util
import random
from pathlib import Path

import pytest

from gateway.events.lines import event_line

_spec = importlib.util.spec_from_file_location("daemon_bench", Path(__file__).parents[1] / "system" / "daemon_bench.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)

SEED = 20261121
KILLS = 20


class Play:
    """Pallets, one after the other: announced, short or unknown ones come in, ordered ones go out again."""

    def __init__(self, dock, central, chance: random.Random) -> None:
        self._dock, self._central, self._chance = dock, central, chance
        self._over = False

    async def run(self) -> None:
        """Until `finish`; a pallet that has begun goes through."""
        number = 0
        while not self._over:
            number += 1
            pallet = bench.Pallet(number, cases=self._chance.randint(1, 5))
            announced = self._chance.choice((pallet.cases, pallet.cases, pallet.cases + 2, None))
            if announced is not None:
                self._announce(bench.asn(f"A{number}", pallet.unit(announced)))
            await self._dock.cross(pallet.tags, door=1)
            if self._chance.random() < 0.4:
                self._announce(bench.order(f"O{number}", pallet.unit()))
                await self._dock.cross(pallet.tags, door=2, way="out")

    def finish(self) -> None:
        """No further pallet."""
        self._over = True

    def _announce(self, document: dict) -> None:
        (announcement,) = bench.announced(document)
        self._central.announce(announcement)


@pytest.mark.timeout(300)
async def test_twenty_kills_lose_and_double_nothing():
    """After 20 kills at random instants, central holds the ledger's stock and each of its movements exactly once."""
    chance = random.Random(SEED)
    with bench.place() as folder:
        (folder / "mosquitto").mkdir()
        async with (
            bench.Broker(folder / "mosquitto") as broker,
            bench.dock(2) as dock,
            bench.central(folder, broker.port) as central,
        ):
            gateway = bench.Gateway(folder, bench.configuration(dock.ports, mqtt=broker.port))

            gateway.unmeasured()
            play = Play(dock, central, chance)
            playing = asyncio.create_task(play.run())
            try:
                for kill in range(KILLS):
                    gateway.spawn()
                    if kill % 4:  # every fourth one dies while it starts or recovers
                        await gateway.ready()
                    await asyncio.sleep(chance.uniform(0.0, 1.2))
                    assert gateway.running, gateway.last_line()
                    await gateway.kill()
                await gateway.start()
                await dock.active()
                play.finish()
                await playing
                await settled(gateway, dock)
                await check(gateway, central)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
                await gateway.close()


async def settled(gateway, dock) -> None:
    """Wait until everything that crossed before is decided: a last pallet at each door is."""
    last = [bench.Pallet(99_998), bench.Pallet(99_999)]
    for door, pallet in enumerate(last, 1):
        await dock.cross(pallet.tags, door=door)

    def decided() -> bool:
        return {pallet.sscc for pallet in last} <= {one["sscc"] for one in gateway.movements()}

    await bench.until(decided, 20, "the last pallets")


async def check(gateway, central) -> None:
    """Central against the ledger, and both against the journal."""
    with gateway.view() as view:
        promised = view.events(1, 100_000, 100_000)
    assert [event.seq for event in promised] == list(range(1, len(promised) + 1))
    await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == len(promised), 20)
    assert await gateway.stop() == 0
    assert central.gaps == central.rejected == []
    assert central.conflicts == central.reused == central.reordered == 0
    assert central.error is None
    assert central.inventory() == gateway.stock()

    movements = [one["movement"] for one in gateway.movements()]
    assert len(set(movements)) == len(movements) > KILLS
    # A correction tells the wrong movement once more.
    bodies = [event["body"] for event in central.events() if event["kind"] != "correction"]
    told = [body["tally:movement"]["tally:id"] for body in bodies if "tally:movement" in body]
    told += [body["movement"]["movement"] for body in bodies if "movement" in body]  # refused: an exception
    assert sorted(told) == sorted(movements)

    replayed = await bench.tallyman("replay", str(gateway.state / "journal"), "--json")
    assert (replayed.code, replayed.err) == (0, "")
    decided = [one for one in replayed.rows() if one["kind"] == "movement"]
    assert sorted(one["movement"] for one in decided) == sorted(movements)
    events = [line for line in replayed.out.splitlines() if line.startswith('{"kind":"event"')]
    assert events == [event_line(event).decode() for event in promised]
