"""The ways in which a simulated reader may misbehave, each off by default and switchable while it runs."""

from dataclasses import dataclass, field


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
    unsupported: set[str] = field(default_factory=set)
    """Message names answered with ERROR_MESSAGE M_UnsupportedMessage (109), as other readers do."""
