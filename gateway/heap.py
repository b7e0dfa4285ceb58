"""The garbage collector in a process that lives for months: what is loaded is settled, and rounds come less often."""

import gc

YOUNG = 10_000
"""Objects made and not yet freed that start a round, instead of Python's 700: every read is a few objects that no round
can free, for they are in no circle. What a round would have found waits a little longer: a megabyte at most."""


def settle() -> None:
    """Take what is there out of the collector's rounds: one over it would hold the loop for 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
