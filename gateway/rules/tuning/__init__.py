"""Tuning: what a portal heard for a while, and which settings would have judged it better. Pure.

- `hindsight`: every read of a portal, and which tags surely moved or surely stood, seen from the end of the recording
- `trial`: the same inputs through the same rules under other settings, compared with that
- `proposals`: what to change, the reason, and the effect in numbers; nothing is ever changed here
"""

from gateway.rules.tuning.hindsight import Study, study
from gateway.rules.tuning.proposals import Proposal, propose
from gateway.rules.tuning.trial import Trial, effect, trial

__all__ = ["Proposal", "Study", "Trial", "effect", "propose", "study", "trial"]
