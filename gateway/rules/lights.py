"""The light stack of a portal: what colour a driver sees, and for how long it means something. Pure."""

from gateway.model.outcome import DeviceCommand
from gateway.model.settings import Portal

LIGHT_VALID = 5_000_000
"""µs after the decision within which its light still means something to the driver at the door."""

LIGHTS = ("green", "amber", "red")
"""From the mildest: the worst of what verdict and rules ask for is shown."""


def light(portal: Portal, at: int, colour: str) -> DeviceCommand:
    """The order to show a colour at a portal that has lights."""
    lights = portal.lights
    assert lights is not None
    lamps = {"green": lights.green, "red": lights.red, "amber": lights.amber}
    ports = {name: port for name, port in lamps.items() if port is not None}
    return DeviceCommand(
        device=lights.reader,
        name="light",
        args={"portal": portal.id, "colour": colour, "ports": ports, "hold_ms": lights.hold // 1000},
        at=at,
        valid_until=at + LIGHT_VALID,
    )
