"""docs/portal-control.md: its examples are configurations, and its table of triggers is what is accepted."""

import re
from pathlib import Path

import pytest

from gateway import config
from gateway.app import devices

PAGE = Path(__file__).resolve().parents[2] / "docs" / "portal-control.md"
TEXT = PAGE.read_text("utf-8") if PAGE.exists() else ""  # an installed package has no docs
HEAD = '[site]\nid = "s"\n[gateway]\nid = "g"\n'
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_configurations(example: str) -> None:
    """What the page tells to write can be written, and becomes one reader's settings."""
    (reader,) = devices.reader_settings(config.parse(HEAD + example, "page"))
    assert reader.id == "dock-1-reader"


VALUES = {"gpi": "1", "level": "true", "timeout": '"9s"', "quiet": '"1s"', "period": '"9s"', "duration": '"1s"'}


def test_the_table_of_triggers_is_true() -> None:
    """Every form in the table is accepted."""
    forms = re.findall(r"^\| `\{([a-z, ]+)\}` \| ", TEXT, re.MULTILINE)
    triggers = [form for form in forms if set(form.split(", ")) <= VALUES.keys()]
    assert len(triggers) == 4
    for form in triggers:
        inside = ", ".join(f"{name} = {VALUES[name]}" for name in form.split(", "))
        reader = f'[[reader]]\nid = "r"\nurl = "llrp://h"\ntrigger = {{ {inside} }}\n'
        (settings,) = devices.reader_settings(config.parse(HEAD + reader, "page"))
        assert settings.trigger is not None
