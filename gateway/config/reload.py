"""What of a changed configuration can come into force while the gateway runs, and what needs a restart.

The rules are told anew: rule files, alarms, locations, the numbers of portals, lot numbers. Whatever a driver, a
link, a database or a socket was opened with stays as it is until a restart.
"""

from collections.abc import Iterator
from typing import Any

from gateway.config.configuration import Configuration

RELOADED: dict[str, tuple[str, ...]] = {
    "rules": (),
    "alarm": (),
    "location": (),
    "portal": (
        "preset",
        "neighbours",
        "quiet",
        "settle",
        "longest",
        "gap",
        "flow",
        "min_reads",
        "min_rssi",
        "unknown_tags",
        "empties",
        "weights",
    ),
    "site": ("lot_number",),
}
"""By table: the settings that a reload takes; () is all of them. Rule files are read again with `[rules]`."""

MOST_NAMED = 8
"""Settings named in an answer."""


def needs_restart(old: Configuration, new: Configuration) -> list[str]:
    """The settings that differ and that a reload cannot change, by their paths in file order."""
    before, after = dict(_settings(old, reloaded=False)), dict(_settings(new, reloaded=False))
    return [path for path in dict.fromkeys((*before, *after)) if before.get(path) != after.get(path)]


def changed(old: Configuration, new: Configuration) -> list[str]:
    """What a reload changes, for people: rules by id (+ new, - gone, ~ changed), other settings by path."""
    rules = {rule.id: rule.digest for rule in old.settings().rules}
    fresh = {rule.id: rule.digest for rule in new.settings().rules}
    told = [f"+rule {ident}" for ident in sorted(fresh.keys() - rules.keys())]
    told += [f"-rule {ident}" for ident in sorted(rules.keys() - fresh.keys())]
    told += [f"~rule {ident}" for ident in sorted(rules.keys() & fresh.keys()) if rules[ident] != fresh[ident]]
    before, after = dict(_settings(old, reloaded=True)), dict(_settings(new, reloaded=True))
    return told + [path for path in dict.fromkeys((*before, *after)) if before.get(path) != after.get(path)]


def named(paths: list[str]) -> str:
    """Some paths as one text."""
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(paths[:MOST_NAMED]) + more


def _settings(configuration: Configuration, *, reloaded: bool) -> Iterator[tuple[str, Any]]:
    """Every setting by its path, elements of lists by their ids: those that a reload takes, or the others."""
    for table, value in configuration.model_dump(by_alias=True, mode="json").items():
        own = RELOADED.get(table)
        for path, one in _flat(value, table):
            takes = own is not None and (not own or any(f".{name}" in path for name in own))
            if takes == reloaded:
                yield path, one


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}")
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for number, one in enumerate(value):
            yield from _flat(one, f"{path}.{one.get('id', number)}")
    else:
        yield path, value
