"""The spool into InfluxDB, by influxdb-client's asynchronous API (API v2 `/api/v2/write`, line protocol).

The client never retries and its batching loses data at close, so the durable spool is ours: a block leaves it when
the server said 204, and only then. Writing a block twice is harmless: same series and instant overwrite.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import structlog

from gateway.errors import DeviceError, LedgerError, RefusedError
from gateway.ledger.telemetry import Block
from gateway.uplink.settings import InfluxSettings
from gateway.uplink.telemetry import Append

log = structlog.get_logger(__name__)

Take = Callable[[int], Awaitable[Sequence[Block]]]
Done = Callable[[Iterable[int]], Awaitable[None]]
Quarantine = Callable[[int, str], Awaitable[None]]

TAKE = 8
"""Blocks read from the spool at once."""
ADVICE = {
    401: "check the token",
    403: "the token may not write to this bucket",
    404: "check url, bucket and org",
}


class InfluxUplink:
    """The driver of the link to InfluxDB. `connected` and `since` (µs) are for /readyz.

    Counters: `written` points, `requests`, `quarantined` lines the server will never take.
    """

    id = "influxdb"

    def __init__(
        self,
        settings: InfluxSettings,
        *,
        take: Take,
        done: Done,
        quarantine: Quarantine,
        append: Append,
        wake: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._take, self._done, self._quarantine, self._append = take, done, quarantine, append
        self._wake = wake
        self._largest = max(1, settings.batch)
        self._not_before = 0.0  # monotonic: what the server's Retry-After asked for
        self.connected = False
        self.since = time.time_ns() // 1000
        self.written = self.requests = self.quarantined = 0

    async def run(self) -> None:
        """Write the spool until the server fails.

        Raises:
            DeviceError: unreachable, overloaded (429, 5xx); nothing is lost, the supervisor backs off.
            RefusedError: 401, 403, 404: somebody must look; nothing is lost.
        """
        from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync  # 30 MiB: only when configured

        await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
        settings = self._settings
        client = InfluxDBClientAsync(
            url=settings.url,
            token=settings.token or "",
            org=settings.org,
            timeout=int(settings.timeout * 1000),
            enable_gzip=settings.gzip,
        )
        try:
            await self._writing(client.write_api())
        except LedgerError as error:
            raise DeviceError(self.id, f"the spool fails: {error}") from error
        finally:
            self._switch(False)
            await client.close()  # type: ignore[no-untyped-call]

    async def _writing(self, api: Any) -> None:
        while True:
            self._wake.clear()
            blocks = await self._take(TAKE)
            for block in blocks:
                lines = [line for line in block.lines.split(b"\n") if line]
                if await self._write(api, lines, block):
                    await self._done([block.id])
            if not blocks:
                await self._wake.wait()

    async def _write(self, api: Any, lines: list[bytes], block: Block) -> bool:
        """Write lines, in halves where they are too many or one is bad; False when the block is quarantined itself."""
        todo = [lines[start : start + self._largest] for start in range(0, len(lines), self._largest)]
        while todo:
            part = todo.pop(0)
            status, text = await self._post(api, part)
            if status == 204:
                self.written += len(part)
                continue
            if len(part) > 1:
                if status == 413:
                    self._largest = max(1, len(part) // 2)
                middle = len(part) // 2
                todo[:0] = [part[:middle], part[middle:]]
                continue
            self.quarantined += 1
            log.warning("line quarantined", reason=text, line=part[0].decode("utf-8", "replace")[:200])
            if len(lines) == 1:
                await self._quarantine(block.id, text)
                return False
            # Into a block of its own, which the server refuses by itself: then its reason is kept with it.
            self.quarantined -= 1
            at = _instant(part[0])
            await self._append(part[0], 1, at, at)
        return True

    async def _post(self, api: Any, lines: list[bytes]) -> tuple[int, str]:
        """One request: (204, "") or (400 | 413, what the server says).

        Raises:
            DeviceError: anything else.
        """
        import aiohttp
        from influxdb_client.client.exceptions import InfluxDBError
        from influxdb_client.rest import ApiException

        self.requests += 1
        try:
            accepted = await api.write(bucket=self._settings.bucket, org=self._settings.org, record=b"\n".join(lines))
        except ApiException as error:
            said = error.message or error.reason or ""
            text = (said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)).strip()[:500]
            if error.status in (400, 413, 422):
                return (413, text) if error.status == 413 else (400, text)
            raise self._failure(int(error.status or 0), text, error.retry_after) from None
        except (InfluxDBError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DeviceError(self.id, f"{self._settings.url}: {error or type(error).__name__}") from None
        if not accepted:
            raise DeviceError(self.id, f"{self._settings.url}: an answer that is not 204; is this InfluxDB?")
        self._switch(True)
        return 204, ""

    def _failure(self, status: int, text: str, retry_after: str | None) -> DeviceError:
        if retry_after is not None and retry_after.isdigit():
            self._not_before = time.monotonic() + min(float(retry_after), self._settings.retry_most)
        advice = f": {ADVICE[status]}" if status in ADVICE else ""
        kind = RefusedError if 400 <= status < 500 and status != 429 else DeviceError
        return kind(self.id, f"{self._settings.url}: HTTP {status} {text}{advice}")

    def _switch(self, connected: bool) -> None:
        if self.connected != connected:
            self.connected, self.since = connected, time.time_ns() // 1000


def _instant(line: bytes) -> int:
    """The instant of a line in µs; 0 when it has none."""
    last = line.rsplit(b" ", 1)[-1]
    return int(last) // 1000 if last.isdigit() else 0
