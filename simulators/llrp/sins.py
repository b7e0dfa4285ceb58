"""The ways in which a simulated reader may misbehave, each off by default and switchable while it runs."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class Sins:
    """What real readers and networks have been seen to do. Every attribute may be set at any time."""

    cut_mid_message: int | None = None
    """Send this many bytes of the next RO_ACCESS_REPORT, then abort the TCP connection. Used once, then None again."""
    one_byte_at_a_time: bool = False
    """Send every byte as a TCP segment of its own."""
    silent: bool = False
    """Keep the socket open, read nothing back to the client: no answers, no reports, no keepalives."""
    slow: float = 0.0
    """Wait this many seconds before each answer."""
    wrong_length: int = 0
    """Add this to the length field of the next RO_ACCESS_REPORT. Used once, then 0 again."""
    unknown_parameter: bool = False
    """Put a parameter of an unassigned type into every TagReportData."""
    bad_tag: bool = False
    """Give the next TagReportData a sub-parameter that is longer than its parent. Used once, then False again."""
    refuse: dict[str, int] = field(default_factory=dict)
    """Message name → LLRP status code: answer that request with that status and do nothing else."""
    refuse_nth: int = 0
    """Refuse the so-and-so-many-th request of each connection (from 1) with M_FieldError; 0: none."""
    unsupported: set[str] = field(default_factory=set)
    """Message names answered with ERROR_MESSAGE M_UnsupportedMessage (109), as other readers do."""
    backlog_after_cut: int = 0
    """When a connection is cut while a ROSpec is active, have seen so many tags by the time of the next connection."""
    wrong_clock: float = 0.0
    """The clock is ahead by so many seconds more; below 0 behind."""
    uptime_only: bool = False
    """Tell the uptime where a reader with a clock tells UTC, from now on."""

    def switch(self, name: str, value: Any = True) -> None:
        """Set one by name, as the command line and the control line do.

        Text is read as the sin's kind wants: a number, `NAME:CODE,…` for `refuse`, `NAME,…` for `unsupported`.

        Raises:
            ValueError: there is no such sin, or it does not take that.
        """
        if name not in _NAMES:
            raise ValueError(f"no sin {name!r}; there are {', '.join(sorted(_NAMES))}")
        try:
            setattr(self, name, _read(_NAMES[name], value))
        except (TypeError, ValueError, AttributeError):
            raise ValueError(f"{name} does not take {value!r}") from None


def _read(kind: str, value: Any) -> Any:
    if kind == "bool":
        if value not in (*_TRUE, *_FALSE):
            raise ValueError
        return value in _TRUE
    if kind.startswith("dict"):
        pairs = [one.split(":") for one in value.split(",")] if isinstance(value, str) else [*value.items()]
        return {str(name): int(code) for name, code in pairs}
    if kind.startswith("set"):
        return set(value.split(",") if isinstance(value, str) else value)
    if isinstance(value, bool):
        raise ValueError
    if "None" in kind and value is None:
        return None
    return float(value) if kind == "float" else int(value)


_TRUE, _FALSE = (True, "on", "true", "1"), (False, "off", "false", "0")
_NAMES = {one.name: getattr(one.type, "__name__", str(one.type)) for one in fields(Sins)}
