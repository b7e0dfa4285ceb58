"""Words of `qc` in a lot's master data, lower case, and what they mean: one list for rules and ledger.

A word of neither list lets the lot pass; what it says is a fact that rules can look at (`quality.status`).
"""

PENDING = ("blocked", "inspection", "pending", "quarantine")
"""Not before somebody has looked."""

REJECTED = ("failed", "rejected", "scrap")
"""Never."""

NOT_RELEASABLE = ("disposed", "on_hold", "pending_inspection", "rejected")
"""Steps of a lot's life in which nothing of it should be asked to leave first."""
