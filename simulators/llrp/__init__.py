"""A simulated LLRP reader: a TCP server with its own codec, laid out from the standard (LLRP 1.0.1)."""

from simulators.llrp.reader import Reader
from simulators.llrp.sins import Sins

__all__ = ["Reader", "Sins"]
