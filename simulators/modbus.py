"""A Modbus slave of our own: TCP, or RTU frames over TCP (Modbus Application Protocol V1.1b3; Serial Line V1.02)."""

import argparse
import asyncio
import json
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulators.listener import Listener

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, TARGET_FAILED = 0x01, 0x02, 0x03, 0x0B
"""Exception codes (V1.1b3 clause 7). 0x0B is what a TCP gateway answers for a unit that is not there."""

READS = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
WRITES = {5: "coil", 6: "holding", 15: "coil", 16: "holding"}
BITS = ("coil", "discrete")
MOST_BITS, MOST_REGISTERS = 2000, 125
MOST_WRITTEN_BITS, MOST_WRITTEN_REGISTERS = 1968, 123


class Refusal(Exception):  # noqa: N818 (an answer, not a failure)
    """The slave answers with this exception code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"exception {code:#04x}")


@dataclass
class Sins:
    """The ways in which a slave may misbehave; each may be set while it runs."""

    exception: dict[int, int] = field(default_factory=dict)
    """Unit → exception code answered to every request."""
    silent: bool = False
    """Read requests and answer nothing."""
    late: float = 0.0
    """Wait this many seconds before each answer; what was asked meanwhile waits too, as on a serial line."""
    short_reply: int = 0
    """Leave out this many registers (or bytes of bits) at the end of each read's answer; the byte count agrees."""
    cut_reply: int = 0
    """Leave out this many bytes at the end of each answer; the counts do not agree."""
    wrong_transaction: bool = False
    """Answer with another transaction ID (Modbus TCP only)."""


class ModbusSlave:
    """A slave with the given units; nothing is defined in them until a `set_…` call (else exception 02).

    All methods are called on the event loop on which `start` was awaited.
    """

    def __init__(self, units: Sequence[int] = (1,), rtu: bool = False) -> None:
        self.units: dict[int, dict[str, dict[int, int]]] = {
            unit: {table: {} for table in READS.values()} for unit in units
        }
        self.rtu = rtu
        self.sins = Sins()
        self.requests = 0
        self.exceptions = 0
        self.bad_frames = 0
        self.connections = 0
        self._listener = Listener(self._serve)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the bound port is returned. OSError when the address cannot be had."""
        return await self._listener.open(host, port)

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        await self._listener.close()

    def drop(self) -> None:
        """Abort every TCP connection."""
        self._listener.drop()

    def set_register(self, unit: int, table: str, address: int, values: int | Sequence[int]) -> None:
        """Define values from `address` (0-based PDU address) on; `table` is coil, discrete, holding or input.

        Registers are 0 to 65535, bits 0 or 1; ValueError otherwise.
        """
        most = 1 if table in BITS else 0xFFFF
        for offset, value in enumerate([values] if isinstance(values, int) else values):
            if not 0 <= value <= most:
                raise ValueError(f"unit {unit} {table} {address + offset}: {value} is not within 0 to {most}")
            self.units[unit][table][address + offset] = int(value)

    def set_int16(self, unit: int, table: str, address: int, value: int) -> None:
        """One register, two's complement."""
        self.set_register(unit, table, address, value & 0xFFFF)

    def set_float32(self, unit: int, table: str, address: int, value: float, order: str = "ABCD") -> None:
        """Two registers holding an IEEE 754 number; `order` ABCD, CDAB, BADC or DCBA."""
        big = dict(zip("ABCD", struct.pack(">f", value), strict=True))
        self.set_register(unit, table, address, struct.unpack(">HH", bytes(big[letter] for letter in order)))

    def get(self, unit: int, table: str, address: int, count: int = 1) -> list[int]:
        """The present values (a client may have written them). KeyError where nothing is defined."""
        return [self.units[unit][table][address + offset] for offset in range(count)]

    # -- the wire -----------------------------------------------------------------------------------------------

    async def _serve(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            transaction, unit, request = await (self._read_rtu(incoming) if self.rtu else self._read_tcp(incoming))
            self.requests += 1
            answer = self._answer(unit, request)
            if self.sins.late:
                await asyncio.sleep(self.sins.late)
            if answer and not self.sins.silent:
                frame = self._frame(transaction, unit, answer)
                outgoing.write(frame[: len(frame) - self.sins.cut_reply])
                await outgoing.drain()

    async def _read_tcp(self, incoming: asyncio.StreamReader) -> tuple[int, int, bytes]:
        """MBAP header (transaction, protocol 0, length, unit), then the PDU."""
        transaction, protocol, length, unit = struct.unpack(">HHHB", await incoming.readexactly(7))
        if protocol or not 2 <= length <= 254:
            self.bad_frames += 1
            raise ConnectionAbortedError("no MBAP header: there is no telling where the next one begins")
        return transaction, unit, await incoming.readexactly(length - 1)

    async def _read_rtu(self, incoming: asyncio.StreamReader) -> tuple[int, int, bytes]:
        """Unit, PDU, CRC; the PDU's length follows from the function. A frame with a wrong CRC is passed over."""
        while True:
            frame = await incoming.readexactly(7)
            left = 1 + (2 + frame[6] - 1 if frame[1] in (15, 16) else 0)
            frame += await incoming.readexactly(left)
            if crc16(frame[:-2]) == frame[-2:]:
                return 0, frame[0], frame[1:-2]
            self.bad_frames += 1

    def _frame(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        if self.rtu:
            body = bytes((unit,)) + pdu
            return body + crc16(body)
        transaction = (transaction + self.sins.wrong_transaction) & 0xFFFF
        return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu

    # -- the answers --------------------------------------------------------------------------------------------

    def _answer(self, unit: int, pdu: bytes) -> bytes | None:
        function = pdu[0]
        try:
            if code := self.sins.exception.get(unit):
                raise Refusal(code)
            if unit not in self.units:
                if self.rtu:
                    return None  # nobody on the line has that address
                raise Refusal(TARGET_FAILED)
            if function in READS:
                return self._read_values(unit, function, pdu)
            if function in WRITES:
                return self._write_values(unit, function, pdu)
            raise Refusal(ILLEGAL_FUNCTION)
        except Refusal as refusal:
            self.exceptions += 1
            return bytes((function | 0x80, refusal.code))
        except struct.error:
            self.exceptions += 1
            return bytes((function | 0x80, ILLEGAL_VALUE))

    def _read_values(self, unit: int, function: int, pdu: bytes) -> bytes:
        table = READS[function]
        address, count = struct.unpack(">HH", pdu[1:])
        if not 1 <= count <= (MOST_BITS if table in BITS else MOST_REGISTERS):
            raise Refusal(ILLEGAL_VALUE)
        try:
            values = self.get(unit, table, address, count)
        except KeyError:
            raise Refusal(ILLEGAL_ADDRESS) from None
        data = pack_bits(values) if table in BITS else struct.pack(f">{count}H", *values)
        size = 1 if table in BITS else 2
        data = data[: max(0, len(data) - size * self.sins.short_reply)]
        return bytes((function, len(data))) + data

    def _write_values(self, unit: int, function: int, pdu: bytes) -> bytes:
        table = WRITES[function]
        address, word = struct.unpack(">HH", pdu[1:5])
        if function == 6:
            values = [word]
        elif function == 5:
            if word not in (0x0000, 0xFF00):
                raise Refusal(ILLEGAL_VALUE)
            values = [word >> 15]
        else:
            values = _values_of(table, word, pdu[5:])
        if any(address + offset not in self.units[unit][table] for offset in range(len(values))):
            raise Refusal(ILLEGAL_ADDRESS)
        self.set_register(unit, table, address, values)
        return pdu[:5]


def _values_of(table: str, count: int, rest: bytes) -> list[int]:
    """The values in a write of several: a byte count, then bits or registers."""
    most, size = (MOST_WRITTEN_BITS, (count + 7) // 8) if table in BITS else (MOST_WRITTEN_REGISTERS, 2 * count)
    if not 1 <= count <= most or not rest or rest[0] != size or len(rest) != 1 + size:
        raise Refusal(ILLEGAL_VALUE)
    if table in BITS:
        return [rest[1 + at // 8] >> at % 8 & 1 for at in range(count)]
    return list(struct.unpack(f">{count}H", rest[1:]))


def pack_bits(values: Sequence[int]) -> bytes:
    """Eight to a byte, the first in the lowest bit."""
    packed = bytearray((len(values) + 7) // 8)
    for at, value in enumerate(values):
        packed[at // 8] |= value << at % 8
    return bytes(packed)


def crc16(data: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first as on the line."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


async def main(argv: Sequence[str] | None = None) -> None:
    """Serve until cancelled; one JSON line on stdout says where. `--set 1:input:0=38` defines a register of unit 1."""
    parser = argparse.ArgumentParser(prog="simulators.modbus", description="A simulated Modbus slave.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5020, help="0 takes a free one")
    parser.add_argument("--rtu", action="store_true", help="RTU frames over TCP")
    parser.add_argument("--set", action="append", default=[], metavar="UNIT:TABLE:ADDRESS=VALUE[,VALUE…]")
    options = parser.parse_args(argv)
    places = [(place.split(":"), values) for place, _, values in (text.partition("=") for text in options.set)]
    slave = ModbusSlave(sorted({int(unit) for (unit, _, _), _ in places}) or [1], rtu=options.rtu)
    for (unit, table, address), values in places:
        slave.set_register(int(unit), table, int(address), [int(value) & 0xFFFF for value in values.split(",")])
    port = await slave.start(options.host, options.port)
    try:
        print(json.dumps({"simulator": "modbus", "host": options.host, "port": port}), flush=True)
        await asyncio.Event().wait()
    finally:
        await slave.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
