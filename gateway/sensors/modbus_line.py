"""One Modbus connection. The only file that knows pymodbus, which it imports when a connection is opened.

pymodbus 3.16 with RTU framing takes a late reply for the answer to the next request, and goes on being one reply off:
the temperature of one room is recorded as another's. So these rules stand around it, here and in `modbus`:

1. pymodbus never retries and never reconnects: the poll grid and the supervisor do.
2. A reply of the wrong length, function, transaction or canary makes the quality bad.
3. After a timeout or mismatch on RTU framing the connection is closed, opened anew and left quiet for as long as the
   lost reply may still take. On Modbus TCP framing a mismatch opens it anew; a timeout need not, for the transaction
   id tells a late reply apart.
4. A read in flight is never cancelled while its connection lives: the deadline is ours, the read runs out beside it.
5. A lost connection fails the read in flight at once, not after pymodbus's timeout.
6. A field with `expect` is a canary: see `registers.Field`.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from gateway.sensors.registers import Block

_READERS = {
    "coil": ("read_coils", 1),
    "discrete": ("read_discrete_inputs", 2),
    "holding": ("read_holding_registers", 3),
    "input": ("read_input_registers", 4),
}
ILLEGAL_ADDRESS = 2
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    6: "server device busy",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}


class LinkAddress(Struct, frozen=True):
    """Where a link goes and how it frames: `socket` (Modbus TCP) or `rtu` (RTU over TCP)."""

    host: str
    port: int
    framing: str

    def __str__(self) -> str:
        scheme = "modbus+tcp" if self.framing == "socket" else "modbus+rtu+tcp"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


def parse_url(url: str) -> LinkAddress:
    """Read `modbus+tcp://host[:502]` (Modbus TCP) or `modbus+rtu+tcp://host:port` (serial bridge in raw mode).

    Raises:
        ValueError: any other URL; the text says what would be right.
    """
    parts = urlsplit(url)
    framing = {"modbus+tcp": "socket", "modbus+rtu+tcp": "rtu"}.get(parts.scheme)
    if framing is None:
        raise ValueError(f"{url!r}: a Modbus link is modbus+tcp://host[:502] or modbus+rtu+tcp://host:port")
    if not parts.hostname:
        raise ValueError(f"{url!r} names no host")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{url!r}: nothing may follow the port; the unit is a setting of its own")
    port = parts.port  # ValueError beyond 65535
    if port is None and framing == "rtu":
        raise ValueError(f"{url!r}: RTU over TCP has no usual port; add :port")
    return LinkAddress(parts.hostname, 502 if port is None else port, framing)


class LostError(Exception):
    """The connection is gone, or cannot be had."""


class MismatchError(Exception):
    """The reply cannot be this request's answer."""


class RefusedReplyError(Exception):
    """A Modbus exception reply (V1.1b3 §7)."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"exception {code} ({_EXCEPTIONS.get(code, 'unknown')})")


class Line:
    """One connection through pymodbus with the rules above. One caller at a time."""

    def __init__(self, address: LinkAddress, timeout_us: int) -> None:
        self._address = address
        self._timeout = timeout_us / 1e6
        self._client: Any = None
        self._lost: asyncio.Future[None] | None = None
        self._late: asyncio.Task[Any] | None = None

    async def open(self) -> None:
        """Connect.

        Raises:
            LostError: refused, unreachable, unknown name, or no answer within the timeout.
        """
        from pymodbus import FramerType
        from pymodbus.client import AsyncModbusTcpClient

        lost = self._lost = asyncio.get_running_loop().create_future()

        def traced(connected: bool) -> None:
            if not connected and not lost.done():
                lost.set_result(None)

        self._client = AsyncModbusTcpClient(
            self._address.host,
            port=self._address.port,
            framer=FramerType(self._address.framing),
            name=str(self._address),
            timeout=self._timeout,
            retries=0,
            reconnect_delay=0,
            trace_connect=traced,
        )
        self._client.set_max_no_responses(2**31)  # when to give up is decided here, not there
        if not await self._client.connect():
            raise LostError(
                f"no connection within {self._timeout:g} s (refused, unreachable or unknown name); "
                "is the device powered and the address right?"
            )

    async def read(self, block: Block, unit: int, timeout_us: int) -> list[int]:
        """Ask for a block and return exactly `block.count` words (bits as 0 and 1).

        Raises:
            TimeoutError: no answer in time; on RTU framing the line must now be opened anew.
            LostError: the connection is gone.
            MismatchError: an answer, but not this request's.
            RefusedReplyError: an exception reply.
        """
        assert self._lost is not None
        await self._settle()
        self._still_there()
        method, function = _READERS[block.table]
        request = getattr(self._client, method)(block.address, count=block.count, device_id=unit)
        task = asyncio.ensure_future(request)
        self._late = task
        await asyncio.wait({task, self._lost}, timeout=timeout_us / 1e6, return_when=asyncio.FIRST_COMPLETED)
        self._still_there()
        if not task.done():
            raise TimeoutError
        self._late = None
        return self._checked(task, block, function)

    def _checked(self, task: "asyncio.Task[Any]", block: Block, function: int) -> list[int]:
        from pymodbus.exceptions import ConnectionException, ModbusException

        try:
            reply = task.result()
        except ConnectionException as error:
            raise LostError(str(error)) from None
        except ModbusException as error:
            if "No response" in str(error):
                raise TimeoutError from None
            raise MismatchError(str(error)) from None
        if reply.function_code == function | 0x80:
            raise RefusedReplyError(reply.exception_code)
        if reply.function_code != function:
            raise MismatchError(f"asked function {function}, was answered {reply.function_code}")
        if self._address.framing == "socket" and not reply.transaction_id:
            raise MismatchError("the reply does not repeat the transaction id (MBAP header)")
        if function > 2:
            words = list(reply.registers)
            if len(words) != block.count:
                raise MismatchError(f"asked {block.count} registers, was answered {len(words)}")
            return words
        bits = [int(bit) for bit in reply.bits]
        if len(bits) != (block.count + 7) // 8 * 8:
            raise MismatchError(f"asked {block.count} bits, was answered {len(bits) // 8} bytes")
        return bits[: block.count]

    async def stay_quiet(self, us: int) -> None:
        """Ask nothing for so long; what arrives meanwhile is dropped by pymodbus, having no request.

        Raises:
            LostError: the connection went in that time.
        """
        assert self._lost is not None
        await asyncio.wait({self._lost}, timeout=us / 1e6)
        self._still_there()

    def _still_there(self) -> None:
        if self._lost is None or self._lost.done():
            raise LostError("connection lost: the other side closed it or sent what is not Modbus")

    async def close(self) -> None:
        """Close the connection; only now may a read that is still out be cancelled."""
        if self._client is None:
            return
        self._client.close()
        self._client = None
        if self._late is not None:
            self._late.cancel()
            await asyncio.wait({self._late})
            self._forget()
        await asyncio.sleep(0)  # the transport closes its socket on the next turn of the loop

    async def _settle(self) -> None:
        """Let a read that ran past its deadline end before the next is sent: pymodbus has one at a time."""
        assert self._lost is not None
        if self._late is not None:
            await asyncio.wait({self._late, self._lost}, return_when=asyncio.FIRST_COMPLETED)
            self._forget()

    def _forget(self) -> None:
        """Drop the late read once it has ended: whatever it brought came too late."""
        if self._late is not None and self._late.done():
            if not self._late.cancelled():
                self._late.exception()  # seen, so asyncio does not complain of it
            self._late = None
