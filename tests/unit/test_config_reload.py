"""What a reload can change and what it cannot: settings by their paths."""

from pathlib import Path

from gateway.config import Configuration, load, parse
from gateway.config.devices import Portal
from gateway.config.messages import names
from gateway.config.models import Site
from gateway.config.reload import RELOADED, changed, named, needs_restart

REFERENCE = Path(__file__).resolve().parents[2] / "config" / "tallyman.toml"
TEXT = REFERENCE.read_text("utf-8")


def parsed(text: str) -> Configuration:
    """A configuration beside the reference."""
    return parse(text, str(REFERENCE), base=REFERENCE.parent)


def test_every_reloadable_setting_is_one() -> None:
    """Tables and settings of the list exist under these names."""
    assert set(RELOADED) <= set(names(Configuration))
    assert set(RELOADED["portal"]) <= set(names(Portal))
    assert set(RELOADED["site"]) <= set(names(Site))


def test_the_same_file_changes_nothing() -> None:
    """Neither a comment nor a blank line is a change."""
    old, new = load(REFERENCE), parsed(TEXT + "\n# a remark\n")
    assert (needs_restart(old, new), changed(old, new)) == ([], [])


def test_settings_are_told_by_table_id_and_name() -> None:
    """Of a portal its numbers can be reloaded and its antennas cannot; of the site its lot numbers only."""
    old = parsed(TEXT)
    numbers = TEXT.replace('id = "dock-1"\nlocation', 'id = "dock-1"\nquiet = "2s"\nlocation', 1)
    assert numbers != TEXT
    assert (needs_restart(old, parsed(numbers)), changed(old, parsed(numbers))) == ([], ["portal.dock-1.quiet"])
    zone = parsed(TEXT.replace('"Europe/Berlin"', '"Europe/Paris"'))
    assert needs_restart(old, zone) == ["site.timezone"]
    lots = parsed(TEXT.replace('#lot_number = ""', 'lot_number = "B{seq:03}"'))
    assert (needs_restart(old, lots), changed(old, lots)) == ([], ["site.lot_number"])
    reader = parsed(TEXT.replace("llrp://192.0.2.10", "llrp://192.0.2.99"))
    assert needs_restart(old, reader) == ["reader.dock-1-reader.url"]


def test_rules_are_told_by_id(tmp_path: Path) -> None:
    """New, gone and changed ones; a rule that moved to another line is the same."""
    rule = '[[rule]]\nid = "{}"\non = "receive"\nwhen = "{}"\ndo = [{{ note = "x" }}]\n'
    path = tmp_path / "t.toml"
    path.write_text(TEXT.replace("#[rules]", "[rules]").replace("#files = []", 'files = ["r.toml"]'))
    (tmp_path / "r.toml").write_text(rule.format("a", "true") + rule.format("b", "true") + rule.format("c", "true"))
    old = load(path)
    (tmp_path / "r.toml").write_text("# moved\n" + rule.format("d", "true") + rule.format("b", "on_hold"))
    with (tmp_path / "r.toml").open("a") as file:
        file.write(rule.format("c", "true"))
    assert changed(old, load(path)) == ["+rule d", "-rule a", "~rule b"]
    assert needs_restart(old, load(path)) == []


def test_long_lists_are_cut() -> None:
    """An answer stays readable."""
    assert named(["a", "b"]) == "a, b"
    assert named([str(number) for number in range(10)]).endswith("7 and 2 more")
