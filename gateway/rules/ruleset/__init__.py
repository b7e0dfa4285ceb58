"""The rule set: rules as they are written become conditions that are checked, compiled and evaluated. Pure.

- `guards`, `conditions`: what an expression may say, typed by the fact tables of `gateway.rules.checks`
- `templates`: `{fact}` inside the texts of notes, notices and alarms
- `compiling`: rules in, a `RuleSet` or every mistake at once out
- `evaluating`: which rules fire on a movement, and what becomes of its verdict
- `watching`: rules over measurements, alarms and excursions, with `for`
- `speaking`: what a rule says when it fires: its record, alarms, what is muted
- `memory`: what is remembered between events: pending `for`, cooldowns, cases met once, raised alarms
- `examples`: runs the examples that rules carry
"""

from gateway.rules.ruleset.compiling import EMPTY, CompiledRule, RuleSet, compile_rules
from gateway.rules.ruleset.examples import examined, failed_examples
from gateway.rules.ruleset.memory import RuleMemory

__all__ = ["EMPTY", "CompiledRule", "RuleMemory", "RuleSet", "compile_rules", "examined", "failed_examples"]
