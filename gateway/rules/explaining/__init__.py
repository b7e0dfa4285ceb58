"""Explaining: what was decided, and why, in sentences for a person at the door. Pure.

The decisions of one turn come from the ledger's audit or from a replay and carry all their evidence; nothing is asked
or judged again here. `explain` gives the sentences about one passage, movement or alarm, in the order in which
somebody would ask; with a tag, those about that tag.
"""

from gateway.rules.explaining.explain import about, explain
from gateway.rules.explaining.saying import Sentence

__all__ = ["Sentence", "about", "explain"]
