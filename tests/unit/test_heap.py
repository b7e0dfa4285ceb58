"""The garbage collector once the gateway is ready."""

import gc

from gateway import heap


def test_settled_objects_are_left_alone_and_rounds_come_less_often() -> None:
    """What is loaded is in no round any more, and a round begins after YOUNG new objects instead of Python's 700."""
    before, loaded = gc.get_threshold(), [[number] for number in range(1_000)]
    try:
        heap.settle()
        assert gc.get_freeze_count() >= len(loaded)
        assert gc.get_threshold() == (heap.YOUNG, 10, 10)
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
