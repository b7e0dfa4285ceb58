"""The radio-frequency generator: what the readers of dock doors would report of goods that really move.

Physics-light and pure: the same family and seed give the same recording, whatever the machine. docs/rf-generator.md
describes the model, where its constants come from, and what it leaves out.
"""

from simulators.rf.families import FAMILIES, Family
from simulators.rf.faults import FAULTS
from simulators.rf.shift import Shift, shift

__all__ = ["FAMILIES", "FAULTS", "Family", "Shift", "shift"]
