"""Events: a decision becomes bytes that are a promise (EPCIS 2.0, CloudEvents, the topic table). Pure.

- `render`: a decision and its seq into an `Event` (outbox row), or None; `render_all`: a very large one into several
- `outcome_line`, `event_line`: what `tallyman replay --json` prints
- `topics`, `envelope`, `ids`, `sentences`: topic table, CloudEvents, event ids, the catalogue of reasons
- `epcis`, `places`, `measures`, `notices`: the bodies; `check`: what no schema checks
"""

from gateway.events.lines import event_line, outcome_line
from gateway.events.rendering import render, render_all

__all__ = ["event_line", "outcome_line", "render", "render_all"]
