"""config/tallyman.toml, the commented reference: every setting is in it, nothing else, and its defaults are true."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from gateway.config import Configuration, Secret, load, parse
from gateway.config.locate import locate
from gateway.config.messages import model_at, names
from gateway.config.presets import PRESETS
from gateway.config.values import duration

REFERENCE = Path(__file__).resolve().parents[2] / "config" / "tallyman.toml"
TEXT = REFERENCE.read_text("utf-8")
_OFF = re.compile(r"^#(?=\[|\]|[a-z_]+ = |  \{ )")
ALL_ON = "\n".join(_OFF.sub("", line) for line in TEXT.split("\n"))


def settings_of(model: type[BaseModel], path: str = "") -> set[str]:
    """Every setting of a model by its path without indices; a secret is one setting."""
    found = set()
    for name, field in names(model).items():
        step = (name, 0) if "tuple" in str(field.annotation) else (name,)
        inner = model_at(step, model)
        if inner is None or inner is Secret:
            found.add(f"{path}{name}")
        else:
            found |= settings_of(inner, f"{path}{name}.")
    return found


def settings_in(value: Any, path: str = "") -> set[str]:
    """Every setting of a parsed document, likewise."""
    if isinstance(value, list) and value and all(isinstance(element, dict) for element in value):
        return set().union(*(settings_in(element, path) for element in value))
    if isinstance(value, dict) and not value.keys() <= {"file", "env", "credential"}:
        return set().union(*(settings_in(inner, f"{path}.{name}" if path else name) for name, inner in value.items()))
    return {path}


def test_every_setting_is_in_it_and_nothing_else() -> None:
    """The reference with everything switched on has exactly the settings of the models."""
    assert settings_in(tomllib.loads(ALL_ON)) == settings_of(Configuration)
    assert len(settings_of(Configuration)) > 100


def test_it_loads_as_it_is() -> None:
    """The file can be used as it is shipped."""
    configuration = load(REFERENCE)
    assert configuration.settings().site == "berlin-1"
    assert configuration.mqtt is None


def test_it_loads_with_everything_switched_on() -> None:
    """With every commented setting switched on the file is still a configuration."""
    configuration = parse(ALL_ON, str(REFERENCE), base=REFERENCE.parent)
    assert len(configuration.portals) == 2
    assert configuration.mqtt is not None
    assert configuration.influxdb is not None
    assert len(list(configuration.secrets())) == 3


def test_what_is_switched_off_shows_its_default() -> None:
    """A commented setting that has a default shows that default; one without says `default:` and what happens."""
    lines, configuration = locate(ALL_ON), parse(ALL_ON)
    places = {line: place for place, line in lines.items() if isinstance(place[-1], str)}
    checked = 0
    for number, line in enumerate(TEXT.split("\n"), 1):
        if not re.match(r"#[a-z_]+ = ", line):
            continue
        place = places[number]
        model = model_at(place[:-1], Configuration)
        assert model is not None
        default = names(model)[str(place[-1])].get_default(call_default_factory=True)
        if default is None or default is PydanticUndefined or default == ():
            optional = default is None and place[0] not in ("profile", "alarm") and place != ("portal", 1, "preset")
            assert not optional or "default: " in line, line
            continue
        element: Any = configuration
        for step in place[:-1]:
            element = element[step] if isinstance(step, int) else attribute(element, step)
        if place[0] != "profile":
            assert getattr(element, str(place[-1])) == default, line
        checked += 1
    assert checked > 30


def attribute(model: Any, name: str) -> Any:
    """The attribute that a name of the file stands for."""
    return getattr(model, name if name in type(model).model_fields else f"{name}s")


def test_every_setting_is_explained() -> None:
    """Each setting that has a line of its own carries a comment on that line or stands in an example."""
    bare = [
        line
        for line in TEXT.split("\n")
        if re.match(r"#?[a-z_]+ = ", line) and "  # " not in line and not line.endswith("[") and " # " not in line
    ]
    explained_above = {"lights", "antennas", "id", "location", "sensor", "quantity", "kind", "preset", "url"}
    assert {line.lstrip("#").split(" = ")[0] for line in bare} <= explained_above


def test_the_examples_are_for_documentation() -> None:
    """Addresses in the reference are of TEST-NET-1 (RFC 5737), loopback or example names (RFC 2606)."""
    for host in re.findall(r"://(?:[a-z]+@)?([^/:\"?\s]+)", TEXT):
        assert host.startswith("192.0.2.") or host.endswith(".example") or host == "host", host


@pytest.mark.parametrize("text", [TEXT, ALL_ON], ids=["as it is", "all on"])
def test_no_secret_stands_in_it(text: str) -> None:
    """The reference teaches the three forms of a secret and holds none."""
    configuration = parse(text)
    assert all("password" in repr(s).lower() or "token" in repr(s) for s in configuration.secrets())


def test_the_presets_are_told_as_they_are() -> None:
    """The table of presets in the comments has exactly the presets, with their numbers."""
    row = re.compile(r"^#   ([a-z0-9-]+) +(\S+) +(\S+) +(\S+) +(\S+) +(\d+) +(-\d+)   \w", re.MULTILINE)
    told = {
        name: (duration(quiet), duration(settle), duration(longest), duration(gap), int(reads), float(level))
        for name, quiet, settle, longest, gap, reads, level in row.findall(TEXT)
    }
    assert told == {name: preset[:6] for name, preset in PRESETS.items()}
