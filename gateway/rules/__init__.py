"""The rules are a function: `Engine.observe` what happened, ask `questions`, `decide` with the facts. Pure.

inputs ──observe──▶ candidates ──questions──▶ (ledger) ──facts──▶ decide ──▶ outcome
"""

from gateway.rules.decide import decide, questions
from gateway.rules.engine import Engine

__all__ = ["Engine", "decide", "questions"]
