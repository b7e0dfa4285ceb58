"""Our Modbus link against a server this project did not write: libmodbus, compiled here.

Needs gcc and Debian's libmodbus-dev; without them the test fails and says so.
"""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import DeviceError
from gateway.model.inputs import Device, Input, Measurement
from gateway.sensors.modbus import ModbusLink, SensorSettings
from gateway.sensors.registers import Field, Profile

XY_MD02 = Profile(
    "xy-md02",
    (
        Field(name="temperature", table="input", address=1, type="int16", scale=0.1, unit="Cel", valid=(-40.0, 85.0)),
        Field(name="humidity", table="input", address=2, type="uint16", scale=0.1, unit="%", valid=(0.0, 100.0)),
    ),
)

SERVER = r"""
#include <modbus.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/socket.h>
#include <netinet/in.h>
int main(void) {
  modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);
  modbus_mapping_t *map = modbus_mapping_new(16, 16, 300, 300);
  uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
  struct sockaddr_in at; socklen_t size = sizeof at;
  int listener, got, n;
  if (!ctx || !map) return 1;
  for (n = 0; n < 300; n++) map->tab_registers[n] = n;
  map->tab_input_registers[1] = 38;                 /* 3.8 Cel */
  map->tab_input_registers[2] = 455;                /* 45.5 % */
  map->tab_input_registers[3] = 0x7fff;             /* no value */
  /* 21.7f as words: libmodbus 3.1's modbus_set_float_* orders memory, not the wire, on little-endian hosts */
  static const uint16_t words[] = {0x41ad, 0x999a, 0x9a99, 0xad41, 0xad41, 0x9a99, 0x999a, 0x41ad};
  for (n = 0; n < 8; n++) map->tab_input_registers[10 + n] = words[n];
  map->tab_input_bits[5] = 1;
  map->tab_bits[2] = 1;
  listener = modbus_tcp_listen(ctx, 4);
  if (listener < 0 || getsockname(listener, (struct sockaddr *)&at, &size)) return 2;
  printf("%d\n", ntohs(at.sin_port)); fflush(stdout);
  for (;;) {
    if (modbus_tcp_accept(ctx, &listener) < 0) return 3;
    while ((got = modbus_receive(ctx, query)) >= 0)
      if (got > 0 && modbus_reply(ctx, query, got, map) < 0) break;
    modbus_close(ctx);
  }
}
"""


@pytest.fixture(scope="module")
def server_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server, compiled."""
    folder = tmp_path_factory.mktemp("libmodbus")
    source, program = folder / "server.c", folder / "server"
    source.write_text(SERVER)
    if not shutil.which("gcc"):
        pytest.fail("gcc is missing: apt-get install gcc libmodbus-dev")
    built = subprocess.run(
        ["gcc", "-I/usr/include/modbus", "-o", str(program), str(source), "-lmodbus"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if built.returncode:
        pytest.fail(f"libmodbus cannot be used (apt-get install libmodbus-dev):\n{built.stderr}")
    return program


@contextlib.asynccontextmanager
async def libmodbus(program: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A running server and its URL."""
    process = await asyncio.create_subprocess_exec(program, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(await asyncio.wait_for(process.stdout.readline(), 5))
        yield f"modbus+tcp://127.0.0.1:{port}", process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def poll(url: str, *sensors: SensorSettings, enough: int) -> list[Input]:
    """What a link submits until there are so many measurements."""
    inputs: list[Input] = []
    done = asyncio.Event()

    async def submit(item: Input) -> None:
        inputs.append(item)
        if sum(isinstance(item, Measurement) for item in inputs) >= enough:
            done.set()

    task = asyncio.create_task(ModbusLink(url, sensors, submit, clock=lambda: 1_795_243_331_250_000).run())
    try:
        async with asyncio.timeout(8):
            await done.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return inputs


async def test_sensors_libmodbus_transmitter(server_program: Path) -> None:
    """A transmitter's map reads a real server: up first, then temperature and humidity with unit, quality, instant."""
    async with libmodbus(server_program) as (url, _):
        inputs = await poll(url, SensorSettings("cold-2-a", 1, XY_MD02, 50_000), enough=4)
    up, temperature, humidity, *rest = inputs
    assert isinstance(up, Device)
    assert (up.device, up.state) == ("cold-2-a", "up")
    assert isinstance(temperature, Measurement)
    assert temperature.at is not None
    assert 0 <= 1_795_243_331_250_000 - temperature.at < 500_000  # half a round trip before the reply
    assert temperature == Measurement("cold-2-a", "temperature", 3.8, "Cel", "good", temperature.at)
    assert humidity == Measurement("cold-2-a", "humidity", 45.5, "%", "good", temperature.at)
    assert [(m.quantity, m.value) for m in rest if isinstance(m, Measurement)][:2] == [
        ("temperature", 3.8),
        ("humidity", 45.5),
    ]


async def test_sensors_libmodbus_orders_tables_and_no_value(server_program: Path) -> None:
    """The four float orders, coils, discrete inputs and an invalid pattern of a real server read right."""
    fields = (
        *(
            Field(name=order, table="input", address=10 + 2 * at, type="float32", order=order)
            for at, order in enumerate(("ABCD", "DCBA", "BADC", "CDAB"))
        ),
        Field(name="door", table="discrete", address=5, type="bool"),
        Field(name="shut", table="discrete", address=6, type="bool"),
        Field(name="pump", table="coil", address=2, type="bool"),
        Field(name="probe", table="input", address=3, type="int16", invalid_raw=(0x7FFF,)),
        Field(name="high", address=299, valid=(0, 100)),
    )
    async with libmodbus(server_program) as (url, _):
        inputs = await poll(url, SensorSettings("s", 1, Profile("p", fields)), enough=9)
    got = {m.quantity: (m.value, m.quality) for m in inputs if isinstance(m, Measurement)}
    assert [got[order] for order in ("ABCD", "DCBA", "BADC", "CDAB")] == [(21.7, "good")] * 4
    assert [got[name] for name in ("door", "shut", "pump")] == [(1.0, "good"), (0.0, "good"), (1.0, "good")]
    assert got["probe"] == (None, "bad")
    assert got["high"] == (299.0, "out_of_range")


async def test_sensors_libmodbus_full_request_and_exception(server_program: Path) -> None:
    """125 registers come in one request; a field beyond the server's map is bad and the rest of the sensor is good."""
    whole = Profile("whole", tuple(Field(name=f"r{n}", address=n) for n in range(125)))
    beyond = Profile("beyond", (Field(name="in", address=299), Field(name="out", address=300)))
    async with libmodbus(server_program) as (url, _):
        inputs = await poll(url, SensorSettings("w", 1, whole), SensorSettings("b", 1, beyond), enough=127)
    measured = [m for m in inputs if isinstance(m, Measurement)]
    assert [m.value for m in measured if m.sensor == "w"] == [float(n) for n in range(125)]
    assert [(m.value, m.quality) for m in measured if m.sensor == "b"] == [(299.0, "good"), (None, "bad")]


async def test_sensors_libmodbus_server_killed(server_program: Path) -> None:
    """The server dies: bad once per field, down, and DeviceError at once, whatever the timeout."""
    inputs: list[Input] = []
    read = asyncio.Event()

    async def submit(item: Input) -> None:
        inputs.append(item)
        if isinstance(item, Measurement):
            read.set()

    async with libmodbus(server_program) as (url, process):
        link = ModbusLink(url, [SensorSettings("a", 1, XY_MD02, 30_000, 20_000_000)], submit)
        task = asyncio.create_task(link.run())
        await asyncio.wait_for(read.wait(), 5)
        process.kill()
        with pytest.raises(DeviceError):
            await asyncio.wait_for(task, 3)
    bad = [m for m in inputs if isinstance(m, Measurement) and m.quality == "bad"]
    assert len(bad) == 2
    assert inputs[-1] == Device(device="a", state="down", detail=inputs[-1].detail)  # type: ignore[union-attr]
