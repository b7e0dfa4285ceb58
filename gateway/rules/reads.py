"""Reads as the rules keep them. Pure."""

Heard = tuple[int, int, str, int | float, int]
"""One read: when (µs), which antenna of the portal (its index), EPC, dBm, and its tone."""

NO_TONE = -1
"""The tone of a read whose reader tells no channel or no phase."""

TURN = 4096
"""Parts of a turn that a phase is told in (LLRP: Impinj's RFPhaseAngle). A tone is the channel that a tag was read on
and the phase of its answer, as one number: channel × TURN + phase."""
