"""Where the features of a tag may step, and what is set about their points: what `fit_scorecard` does not learn."""

from gateway.rules.kin import KIN

CUTS: dict[str, list[int]] = {
    "level": [-250, -200, -150, -100, -60, -30, 0],
    "both_rows": [-300, -240, -180, -120, -60, 0],
    "missed": [-20, -10, -6, -3, -1, 0],
    "group_level": [-200, -150, -100, -50],
    "group_size": [6, 12, 25, 50],
    "through": [-100, 0, 100, 150, 200, 300, 450],
    "group_swing": [30, 50, 70, 100, 130, 170],
    "group_reads": [2, 3, 5, 8, 12, 20],
    "contrast": [-60, -20, 20, 60, 100, 150, 200],
    "often": [5, 15, 40, 80],
    "strays_here": [-20, -10, -5, -2, -1, 0],
    "faint_here": [-30, -15, -8, -4, -2, -1, 0],
    "swing": [30, 50, 70, 100, 130, 170],
    "above_background": [0, 20, 40, 60, 80, 110, 150],
    "follows": [0, 20, 40, 60],
    "unlike": [-1000, -500, -250, -100],
    "moves": [0, 200, 500, 1000],
    "company": [-240, -200, -160, -130, -100, -70],
    "with_group": [-60, -40, -25, -18, -12, -8, -4],
    "order": [-60, -40, -25, -15, -8, -4],
    "balance": [-250, -200, -150, -100],
    "background": [-400, -100, -30, -10, 0],
    "strayed": [-3, -2, -1, 0],
    "came_before": [-1, 0],
    "put_down": [5, 10, 20, 40],
    "left": [-100, -30, -10, 0, 10, 20, 40, 80],
    "as_stood": [8, 14, 20, 28, 38, 50, 65, 85],
    "wrong_side": [0, 30, 60, 100, 150, 300],
    "elsewhere": [-150, -100, -50, 0, 30, 60, 100, 150],
    "with_eyes": [-60, -30, -15, -8, -3, 0],
    "phase": [-1500, -700, -400, -200, -100, 0, 100, 200, 400, 700, 1500, 2500, 4000],
    "kin": [-500, -400, -300, -200, -100, 0, 100, 200, 300, 400, 500],
    "arrived": [0, 100, 200, 300, 500],
    "product": [0, 100, 200, 300, 500],
    "unit": [-1000, -500, -200, 0, 200, 500, 1000],
}
"""Where each feature may step: round numbers over what occurs (tenths of dB, %, counts)."""

OWN = tuple(name for name in CUTS if name not in KIN)

FREE = frozenset(
    {"above_background", "strays_here", "faint_here", "came_before", "put_down", "elsewhere", "arrived", "product"}
)
"""Features that say something by not being there: never heard before, or at no other door, with nothing that surely
went. What cannot be told of the others speaks neither for nor against."""

TRUSTED = frozenset({"group_level", "group_size", "through", "group_swing"})
"""Features that count as at their best where they cannot be told: the first load of a door is as good as any."""

WORST = -600
"""Points of one feature are never fewer: the model is additive, and no single figure knows everything."""

MOST = 400
"""And never more than that: of plain scenes a single figure tells all, which it does nowhere else."""

WORST_OF = {"came_before": -200, "put_down": -100, "group_size": -150}
"""And of these not fewer than that: goods that come a second time, or go back, are told as such, not passed over; and
now and then somebody carries a single case through."""

NEVER = {"group_swing": -400}
"""Points below the first cut of a feature, at most, of tags that were read several times: what goes past an antenna
rises by three dB, whatever it is packed in. No load of the families ever did less, so there is nothing to learn that
from; a pallet that stands in the beams while somebody walks through them does.
"""
