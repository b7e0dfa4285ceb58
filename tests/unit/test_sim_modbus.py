"""The simulated Modbus slave: frames by hand from the specification, and pymodbus as a foreign client."""

import asyncio
import contextlib
import json
import shutil
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from simulators.modbus import ModbusSlave, crc16, main, pack_bits


@pytest_asyncio.fixture
async def switch_on() -> AsyncIterator[Callable[..., Any]]:
    """Slaves with a few values, and raw connections to them; all closed at the end."""
    slaves: list[ModbusSlave] = []
    writers: list[asyncio.StreamWriter] = []

    async def start(rtu: bool = False) -> tuple[ModbusSlave, int, Callable[..., Any]]:
        slave = ModbusSlave([1, 17], rtu=rtu)
        slave.set_register(1, "holding", 107, [0x022B, 0x0000, 0x0064])
        slave.set_register(1, "input", 8, 10)
        slave.set_register(1, "coil", 19, [1, 0, 1, 1, 0, 0, 1, 1, 1, 1])
        slave.set_register(1, "discrete", 0, [1, 0])
        slaves.append(slave)
        port = await slave.start()
        incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
        writers.append(outgoing)

        async def ask(request: str, timeout: float = 2.0) -> str:
            outgoing.write(bytes.fromhex(request))
            async with asyncio.timeout(timeout):
                return (await incoming.read(300)).hex()

        return slave, port, ask

    yield start
    for writer in writers:
        writer.close()
    for slave in slaves:
        await slave.stop()


@pytest.mark.parametrize(
    ("request_pdu", "answer_pdu"),
    [
        ("03 006b 0003", "03 06 022b 0000 0064"),  # the specification's own example, clause 6.3
        ("04 0008 0001", "04 02 000a"),  # clause 6.4
        ("01 0013 000a", "01 02 cd03"),  # coils 20 to 29, clause 6.1's packing
        ("02 0000 0002", "02 01 01"),
        ("06 006b 0003", "06 006b 0003"),
        ("10 006b 0002 04 000a 0102", "10 006b 0002"),  # clause 6.12
        ("05 0013 0000", "05 0013 0000"),
        ("05 0013 ff00", "05 0013 ff00"),
        ("0f 0013 000a 02 cd01", "0f 0013 000a"),  # clause 6.11
        ("2b 0e 01 00", "ab 01"),
        ("03 0064 0003", "83 02"),
        ("03 006b 0004", "83 02"),
        ("03 006b 0000", "83 03"),
        ("03 006b 007e", "83 03"),
        ("03 006b", "83 03"),
        ("05 0013 1234", "85 03"),
        ("10 006b 0002 05 000a 0102", "90 03"),
        ("06 0000 0001", "86 02"),
    ],
)
async def test_each_request_gets_the_answer_of_the_specification(
    switch_on: Any, request_pdu: str, answer_pdu: str
) -> None:
    """Functions 1 to 6, 15 and 16 answer as specified, and what is wrong gets exception 01, 02 or 03."""
    _, _, ask = await switch_on()
    pdu, expected = bytes.fromhex(request_pdu), bytes.fromhex(answer_pdu)
    answer = await ask(f"1501 0000 {len(pdu) + 1:04x} 01 {pdu.hex()}")
    assert answer == f"15010000{len(expected) + 1:04x}01{expected.hex()}"


async def test_a_write_is_seen(switch_on: Any) -> None:
    """What a client writes is what `get` gives."""
    slave, _, ask = await switch_on()
    await ask("0001 0000 000b 01 10 006b 0002 04 000a 0102")
    await ask("0002 0000 0009 01 0f 0013 000a 02 cd01")
    assert slave.get(1, "holding", 107, 3) == [0x000A, 0x0102, 0x0064]
    assert slave.get(1, "coil", 19, 10) == [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]


async def test_a_unit_that_is_not_there(switch_on: Any) -> None:
    """On TCP the gateway answers exception 0B; on a serial line nobody answers."""
    slave, _, ask = await switch_on()
    assert await ask("0001 0000 0006 09 03 006b 0001") == "000100000003098" + "30b"
    _, _, ask = await switch_on(rtu=True)
    line = bytes.fromhex("09 03 006b 0001")
    with pytest.raises(TimeoutError):
        await ask((line + crc16(line)).hex(), timeout=0.1)
    assert slave.exceptions == 1


async def test_rtu_frames_carry_their_crc_and_a_wrong_one_is_passed_over(switch_on: Any) -> None:
    """RTU over TCP: the known CRC of a known frame, a damaged frame ignored, the next one answered."""
    slave, _, ask = await switch_on(rtu=True)
    assert crc16(bytes.fromhex("0103 0000 0001")).hex() == "840a"
    bad, good = "0103 006b 0003 0000", bytes.fromhex("0103 006b 0003")
    answer = bytes.fromhex(await ask(bad + (good + crc16(good)).hex()))
    assert answer[:-2].hex() == "010306022b00000064"
    assert crc16(answer[:-2]) == answer[-2:]
    write = bytes.fromhex("01 10 006b 0001 02 0007")
    answer = bytes.fromhex(await ask((write + crc16(write)).hex()))
    assert answer[:-2].hex() == "0110006b0001"
    assert (slave.bad_frames, slave.requests) == (1, 2)


async def test_its_sins(switch_on: Any) -> None:
    """Exception for a unit, short, cut, late, silent and wrongly numbered answers come when they are switched on."""
    slave, _, ask = await switch_on()
    request = "0007 0000 0006 01 03 006b 0003"
    slave.sins.exception[1] = 4
    assert await ask(request) == "000700000003018304"
    slave.sins.exception.clear()
    slave.sins.short_reply = 1
    assert await ask(request) == "000700000007010304022b0000"
    slave.sins.short_reply, slave.sins.cut_reply = 0, 3
    assert await ask(request) == "000700000009010306022b00"
    slave.sins.cut_reply, slave.sins.wrong_transaction = 0, True
    assert (await ask(request)).startswith("0008")
    slave.sins.wrong_transaction, slave.sins.late = False, 0.15
    with pytest.raises(TimeoutError):
        await ask(request, timeout=0.05)
    assert (await ask("")).startswith("0007")
    slave.sins.late, slave.sins.silent = 0.0, True
    with pytest.raises(TimeoutError):
        await ask(request, timeout=0.05)
    slave.drop()
    with contextlib.suppress(ConnectionResetError):
        assert await ask(request) == ""


async def test_no_mbap_header_ends_the_connection(switch_on: Any) -> None:
    """A protocol other than 0 cannot be resynchronised: the slave closes."""
    slave, _, ask = await switch_on()
    with contextlib.suppress(ConnectionResetError):
        assert await ask("0001 0005 0006 01 03 006b 0003") == ""
    assert slave.bad_frames == 1


def test_values_are_laid_out_as_ordered() -> None:
    """Signed, and the four orders of a 32-bit number; a value out of range is refused."""
    slave = ModbusSlave()
    slave.set_int16(1, "input", 0, -185)
    assert slave.get(1, "input", 0) == [0xFF47]
    for order, expected in (("ABCD", 0x42F6E979), ("CDAB", 0xE97942F6), ("BADC", 0xF64279E9), ("DCBA", 0x79E9F642)):
        slave.set_float32(1, "input", 4, 123.456, order)
        assert slave.get(1, "input", 4, 2) == list(struct.unpack(">HH", expected.to_bytes(4)))
    assert pack_bits([1, 0, 1, 1, 0, 0, 1, 1, 1]) == b"\xcd\x01"
    with pytest.raises(ValueError, match="not within 0 to 65535"):
        slave.set_register(1, "input", 0, 65536)
    with pytest.raises(ValueError, match="not within 0 to 1"):
        slave.set_register(1, "coil", 0, 2)


@pytest.mark.parametrize("rtu", [False, True], ids=["tcp", "rtu"])
async def test_pymodbus_reads_and_writes_it(switch_on: Any, rtu: bool) -> None:
    """The field's own client reads all four tables, writes, and understands the exception."""
    slave, port, _ = await switch_on(rtu=rtu)
    framer = FramerType.RTU if rtu else FramerType.SOCKET
    client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=2, retries=0)
    assert await client.connect()
    try:
        assert (await client.read_holding_registers(107, count=3, device_id=1)).registers == [555, 0, 100]
        assert (await client.read_input_registers(8, count=1, device_id=1)).registers == [10]
        assert (await client.read_coils(19, count=10, device_id=1)).bits[:10] == [bool(int(b)) for b in "1011001111"]
        assert (await client.read_discrete_inputs(0, count=2, device_id=1)).bits[:2] == [True, False]
        assert not (await client.write_registers(107, [1, 2, 3], device_id=1)).isError()
        assert not (await client.write_coil(19, False, device_id=1)).isError()
        refused = await client.read_holding_registers(0, count=1, device_id=1)
        assert (refused.isError(), refused.exception_code) == (True, 2)
    finally:
        client.close()
    assert slave.get(1, "holding", 107, 3) == [1, 2, 3]
    assert slave.get(1, "coil", 19) == [0]


@pytest.mark.skipif(not shutil.which("mbpoll"), reason="mbpoll (libmodbus) is not installed; pymodbus stands in")
async def test_mbpoll_reads_it(switch_on: Any) -> None:
    """A client built on libmodbus reads the same register."""
    _, port, _ = await switch_on()
    command = ["mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-r", "107", "-t", "4", "-1", "127.0.0.1"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert b"[107]: \t555" in out


async def test_it_runs_as_a_process_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """The entry point says where it listens and serves the registers it was given."""
    task = asyncio.create_task(main(["--port", "0", "--set", "3:input:0=38,-5"]))
    text = ""
    async with asyncio.timeout(5):
        while not text:
            await asyncio.sleep(0.01)
            text = capsys.readouterr().out
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", json.loads(text)["port"])
    outgoing.write(bytes.fromhex("0001 0000 0006 03 04 0000 0002"))
    assert (await incoming.readexactly(13)).hex() == "00010000000703040400 26fffb".replace(" ", "")
    outgoing.close()
    await outgoing.wait_closed()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
