"""The tables of LLRP 1.0.1: whole in themselves, and equal to the published definitions where those are at hand."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.readers.llrp import tables

DEFINITIONS = Path(__file__).resolve().parents[2].parent / "shared/data/llrp/definitions/llrp-1.0.1.xml"
SPACE = "{http://www.llrp.org/ltk/schema/core/encoding/binary/1.0}"
REPEAT = {"1": "", "0-1": "?", "0-N": "*", "1-N": "+"}

published = pytest.mark.skipif(not DEFINITIONS.exists(), reason="shared/ is not part of a clone")


def _shape(definition: ElementTree.Element) -> tuple[list[tuple[object, ...]], list[tuple[str, str]]]:
    """Fields and children of a published definition, in our words."""
    fields: list[tuple[object, ...]] = []
    children = []
    for part in definition:
        match part.tag.removeprefix(SPACE):
            case "field":
                kind = "rest" if part.get("type") == "bytesToEnd" else part.get("type")
                fields.append((part.get("name"), kind, part.get("enumeration")))
            case "reserved":
                fields.append(("", "-", int(part.get("bitCount", ""))))
            case "parameter":
                children.append((part.get("type", ""), REPEAT[part.get("repeat", "")]))
            case "choice":
                children.append((f"<{part.get('type')}>", REPEAT[part.get("repeat", "")]))
    return fields, children


@pytest.mark.shared
@published
@pytest.mark.parametrize(("tag", "ours"), [("message", tables.MESSAGES), ("parameter", tables.PARAMETERS)])
def test_every_definition_is_the_published_one(tag: str, ours: dict[str, tables.Definition]) -> None:
    """Each message and parameter has the published number, fields, kinds and children, and none is missing."""
    root = ElementTree.parse(DEFINITIONS).getroot()
    theirs = {d.get("name", ""): d for d in root.iter(f"{SPACE}{tag}Definition")}
    assert ours.keys() == theirs.keys()
    for name, definition in ours.items():
        fields, children = _shape(theirs[name])
        assert definition.number == int(theirs[name].get("typeNum", "")), name
        mine = [("", "-", f.bits) if f.kind == "-" else (f.name, f.kind, f.enumeration) for f in definition.fields]
        assert mine == fields, name
        assert [tuple(child) for child in definition.children] == children, name


@pytest.mark.shared
@published
def test_every_enumeration_and_choice_is_the_published_one() -> None:
    """All values have the published names, all choices the published members."""
    root = ElementTree.parse(DEFINITIONS).getroot()
    enumerations = {
        e.get("name"): {int(v.get("value", "")): v.get("name") for v in e}
        for e in root.iter(f"{SPACE}enumerationDefinition")
    }
    choices = {c.get("name"): tuple(p.get("type") for p in c) for c in root.iter(f"{SPACE}choiceDefinition")}
    assert enumerations == tables.ENUMERATIONS
    assert choices == tables.CHOICES


def test_every_child_and_enumeration_named_in_a_definition_exists() -> None:
    """No definition refers to something that is not there."""
    for definition in [*tables.MESSAGES.values(), *tables.PARAMETERS.values()]:
        for child in definition.children:
            known = tables.CHOICES if child.name.startswith("<") else tables.PARAMETERS
            assert child.name.strip("<>") in known, definition.name
        for field in definition.fields:
            assert field.enumeration is None or field.enumeration in tables.ENUMERATIONS, definition.name


def test_a_tv_parameter_has_a_fixed_length_and_no_children() -> None:
    """A TV parameter carries no length, so it may hold nothing that varies."""
    for definition in tables.PARAMETERS.values():
        if definition.number <= tables.TV_LAST:
            assert definition.size > 0
            assert not definition.children
            assert all(f.bits for f in definition.fields)


def test_bits_fill_whole_bytes() -> None:
    """Fields smaller than a byte and reserved bits add up to whole bytes in every definition."""
    for definition in [*tables.MESSAGES.values(), *tables.PARAMETERS.values()]:
        fixed = sum(f.bits for f in definition.fields)
        assert fixed % 8 == 0, definition.name
        sizes = [
            step.size if isinstance(step, tables.Bits) else step.layout.size
            for step in definition.steps
            if not isinstance(step, tables.Variable)
        ]
        assert sum(sizes) == fixed // 8, definition.name


def test_a_value_without_a_name_is_told_by_its_number() -> None:
    """`label` gives the standard's name, or the number when the standard has none."""
    assert tables.label("StatusCode", 109) == "M_UnsupportedMessage"
    assert tables.label("StatusCode", 999) == "999"
