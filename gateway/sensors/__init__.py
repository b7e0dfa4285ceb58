"""Sensors and scales: bytes from devices become measurements and weighings (DESIGN §4).

The seam, in prose. A driver is an object with

- `id`: its name in logs and for the supervisor;
- `devices`: the ids whose `Device` inputs it stands for. A scale head is its own only device; a Modbus link carries
  one or more sensors on one connection, so its `devices` are the sensors' ids and its `id` is the link's;
- `async run()`: connect, work until the link fails, then raise `DeviceError`. Cancelling it is the polite stop. It
  never reconnects by itself: the supervisor calls `run()` again, for ever, with jittered back-off. What must outlive
  a restart (counters, which devices were up) lives on the object, what must not (parser, connection) in `run()`.

What it learns goes into `submit: Callable[[Input], Awaitable[None]]`, which waits when the gateway is behind. Pollers
then skip polls (`overruns`), streams keep the newest display (`overwritten`): neither ever queues without a bound.

Who says what. The driver submits `Device(up)` for a device at its first answer, and `Device(down)` for one sensor
that falls silent on a link that lives. When `run()` raises, a Modbus link has already said `Device(down)` once for each
of its sensors, so nothing is left to say for its own `id`; for a scale head the supervisor says it.

Parts: `seam` has the types; `registers` and `dialects` are pure (map and grammar); `modbus` and `scales` are the
asyncio shells around them. `modbus_line` alone knows pymodbus, `scales` alone serialx; both are imported only when a
link of that kind opens.
"""
