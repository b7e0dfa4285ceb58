"""The configuration file: TOML, strict, every mistake at once as `file:line: path: what is wrong, what would be right`.

- `load(path)`, `parse(text, file)` → `Configuration`; `Configuration.settings()` → what the rules are told
- `models`, `devices`: one class per table; `values`, `addresses`: what a setting may hold; `Secret`: where one is kept
- `presets`, `profiles.toml`: portals and register maps that come with Tallyman
- `crosscheck`: what only the whole file can tell; `locate`: the line of everything; `messages`: the sentences
- `check`: the summary of `tallyman check`

Relative paths in a configuration start at the directory of the file.
"""

from gateway.config.addresses import Endpoint, ModbusAddress, SerialLine
from gateway.config.configuration import Configuration, load, parse
from gateway.config.devices import Portal, Profile, Reader, Register, Scale, Sensor
from gateway.config.models import Alarm, Api, InfluxDb, Journal, Ledger, Mqtt, Telemetry
from gateway.config.values import Secret, duration, duration_text, size

__all__ = [
    "Alarm",
    "Api",
    "Configuration",
    "Endpoint",
    "InfluxDb",
    "Journal",
    "Ledger",
    "ModbusAddress",
    "Mqtt",
    "Portal",
    "Profile",
    "Reader",
    "Register",
    "Scale",
    "Secret",
    "Sensor",
    "SerialLine",
    "Telemetry",
    "duration",
    "duration_text",
    "load",
    "parse",
    "size",
]
