"""The telemetry path against a real influxd 1.6.7, through a shim that maps the v2 write path onto `/write`."""

import asyncio
import contextlib
import shutil
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.errors import DeviceError, RefusedError
from gateway.ledger.telemetry import TelemetryStore
from gateway.model.inputs import Measurement, Weighing
from gateway.uplink.influx import InfluxUplink
from gateway.uplink.settings import InfluxSettings
from gateway.uplink.telemetry import Telemetry

T0 = 1_795_243_331_000_000


def _ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Influxd:
    """A real influxd with its files in a folder."""

    def __init__(self, folder: Path) -> None:
        path = shutil.which("influxd")
        assert path, "influxd is not installed: apt-get install influxdb"
        self.path = path
        self.port, rpc = _ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.conf = folder / "influxd.conf"
        self.conf.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n[meta]\n dir = "{folder}/meta"\n'
            f'[data]\n dir = "{folder}/data"\n wal-dir = "{folder}/wal"\n query-log-enabled = false\n'
            f'[http]\n bind-address = "127.0.0.1:{self.port}"\n log-enabled = false\n'
            '[monitor]\n store-enabled = false\n[logging]\n level = "error"\n'
        )
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            self.path, "-config", str(self.conf), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    await self.query("CREATE DATABASE plant")
                    return
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def query(self, text: str):
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + "/query", params={"db": "plant", "q": text}) as answer,
        ):
            return (await answer.json())["results"][0]

    async def count(self, measurement: str, field: str) -> int:
        result = await self.query(f'SELECT count("{field}") FROM "{measurement}"')
        return result["series"][0]["values"][0][1] if "series" in result else 0


class Shim:
    """`/api/v2/write` → `/write?db=`, or a scripted answer (status, headers) before that."""

    def __init__(self, target: str = "") -> None:
        self.target = target
        self.script: list[tuple[int, dict[str, str]]] = []
        self.largest: int | None = None
        self.requests = 0
        self.tokens: set[str] = set()

    async def __aenter__(self) -> "Shim":
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/api/v2/write", self._write)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _write(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.tokens.add(request.headers.get("Authorization", ""))
        body = await request.read()
        if self.script:
            status, headers = self.script.pop(0)
            return web.json_response({"message": f"scripted {status}"}, status=status, headers=headers)
        if self.largest is not None and body.count(b"\n") + 1 > self.largest:
            return web.json_response({"message": "too large"}, status=413)
        if not self.target:
            return web.Response(status=204)
        params = {"db": request.query["bucket"], "precision": request.query.get("precision", "ns")}
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(self.target + "/write", params=params, data=body) as answer,
            ):
                return web.Response(status=answer.status, body=await answer.read())
        except aiohttp.ClientError:
            return web.json_response({"message": "down"}, status=503)


class Spool:
    """A real telemetry store and its asynchronous face."""

    def __init__(self, path: Path) -> None:
        self.store = TelemetryStore.open(path / "telemetry.db")
        self.wake = asyncio.Event()

    async def append(self, lines, count, first, last):
        self.wake.set()
        return self.store.append(lines, count, first, last)

    async def keep(self, samples):
        self.store.keep(samples)

    async def take(self, limit):
        return self.store.take(limit)

    async def done(self, ids):
        self.store.done(ids)

    async def quarantine(self, ident, reason):
        self.store.quarantine(ident, reason)

    def link(self, url: str, **more) -> InfluxUplink:
        settings = InfluxSettings(**{"url": url, "bucket": "plant", "org": "acme", "token": "s3cret", **more})
        return InfluxUplink(
            settings, take=self.take, done=self.done, quarantine=self.quarantine, append=self.append, wake=self.wake
        )


@pytest.fixture
def spool(tmp_path):
    """A spool on disk, closed at the end."""
    spool = Spool(tmp_path)
    yield spool
    spool.store.close()


@contextlib.asynccontextmanager
async def kept(link: InfluxUplink, errors: list):
    """The link kept running as the supervisor does."""

    async def keep() -> None:
        while True:
            try:
                await link.run()
            except DeviceError as error:
                errors.append(error)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(keep())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def drained(spool: Spool, within: float = 10) -> None:
    """Wait until the spool is empty."""
    async with asyncio.timeout(within):
        while spool.store.counts()["points"]:  # noqa: ASYNC110 (the store has no event)
            await asyncio.sleep(0.02)


async def test_counts_are_exact_over_a_server_restart(tmp_path, spool):
    """Measurements and weighings written while influxd stops and starts are all there, once."""
    server = Influxd(tmp_path)
    await server.start()
    try:
        async with Shim(server.url) as shim:
            telemetry = Telemetry(
                site="site 1, north", sensors={"cold=2": "cold 2"}, scales={"s1": "dock-1"},
                keep=spool.keep, append=spool.append,
            )  # fmt: skip
            link, errors = spool.link(shim.url), []
            async with kept(link, errors):
                for part in range(4):
                    for number in range(part * 2500, part * 2500 + 2500):
                        at = T0 + number * 1000
                        telemetry.offer(at, Measurement("cold=2", "temperature", number / 10, "Cel"))
                        if number % 10 == 0:
                            telemetry.offer(at, Weighing("s1", f"{number}.5", "kg", True))
                    await telemetry.flush()
                    if part == 1:
                        await asyncio.sleep(0.1)
                        await server.stop()
                    if part == 2:
                        await asyncio.sleep(0.3)
                        await server.start()
                await drained(spool)
            assert errors, "the stop must have been noticed"
            assert not any(isinstance(error, RefusedError) for error in errors), errors
            assert await server.count("env", "temperature") == 10_000
            assert await server.count("scale", "weight") == 1000
            result = await server.query("SELECT * FROM env ORDER BY time DESC LIMIT 1")
            row = dict(zip(result["series"][0]["columns"], result["series"][0]["values"][0], strict=True))
            assert (row["site"], row["location"], row["sensor"]) == ("site 1, north", "cold 2", "cold=2")
            assert (row["temperature"], row["q"]) == (999.9, 0)
            assert shim.tokens == {"Token s3cret"}
            assert telemetry.dropped == telemetry.rejected == telemetry.shed == 0
    finally:
        await server.stop()


async def test_bad_lines_are_quarantined_and_the_rest_arrives(tmp_path, spool):
    """Lines that influxd refuses end in quarantine, one by one, and everything around them is stored."""
    server = Influxd(tmp_path)
    await server.start()
    try:
        async with Shim(server.url) as shim:
            lines = [f"env,sensor=a temperature={number}.0,q=0i {(T0 + number) * 1000}" for number in range(500)]
            lines[100] = "env,sensor=a temperature= 17"
            lines[350] = f'env,sensor=a temperature="text" {(T0 + 350) * 1000}'
            await spool.append("\n".join(lines).encode(), 500, T0, T0 + 500)
            link, errors = spool.link(shim.url), []
            async with kept(link, errors):
                await drained(spool)
            assert errors == []
            assert await server.count("env", "temperature") == 498
            assert spool.store.counts()["quarantined"] == link.quarantined == 2
            assert shim.requests < 60
    finally:
        await server.stop()


async def test_too_large_requests_are_halved(spool):
    """After a 413 the block goes in halves, and later ones are asked for in that size at once."""
    async with Shim() as shim:
        shim.largest = 300
        for _ in range(2):
            await spool.append(b"\n".join(b"env q=0i %d" % n for n in range(1000)), 1000, 0, 1)
        link = spool.link(shim.url)
        async with kept(link, []):
            await drained(spool)
        assert link.written == 2000
        assert shim.requests <= 7 + 4  # 1000 and 500 refused, then four of 250 each


async def test_retry_after_is_honoured(spool):
    """After 429 with Retry-After the next attempt waits that long, and nothing is lost."""
    async with Shim() as shim:
        shim.script = [(429, {"Retry-After": "1"})]
        await spool.append(b"env q=0i 1", 1, 0, 0)
        link, errors = spool.link(shim.url), []
        started = asyncio.get_running_loop().time()
        async with kept(link, errors):
            await drained(spool)
        assert asyncio.get_running_loop().time() - started >= 1
        assert "429" in str(errors[0])
        assert link.written == 1


@pytest.mark.parametrize(("status", "advice"), [(401, "token"), (403, "bucket"), (404, "url, bucket and org")])
async def test_refusals_keep_the_block_and_give_advice(spool, status, advice):
    """401, 403 and 404 are RefusedErrors that say what to check and never show the token; the block stays."""
    async with Shim() as shim:
        shim.script = [(status, {})]
        await spool.append(b"env q=0i 1", 1, 0, 0)
        link = spool.link(shim.url)
        with pytest.raises(RefusedError, match=advice) as caught:
            await link.run()
        assert "s3cret" not in str(caught.value) + repr(link._settings)
        assert spool.store.counts()["points"] == 1


async def test_unreachable_server_is_one_clear_line(spool):
    """With nobody listening the error names the url; the block stays."""
    (port,) = _ports(1)
    await spool.append(b"env q=0i 1", 1, 0, 0)
    with pytest.raises(DeviceError, match=f"influxdb: http://127.0.0.1:{port}: "):
        await spool.link(f"http://127.0.0.1:{port}").run()
    assert spool.store.counts()["points"] == 1
