"""The tables of LLRP: whole in themselves, and 1.0.1 equal to the published definitions where those are at hand."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.readers.llrp import tables, tables_llrp11, tables_llrp101

DEFINITIONS = Path(__file__).resolve().parents[2].parent / "shared/data/llrp/definitions/llrp-1.0.1.xml"
SPACE = "{http://www.llrp.org/ltk/schema/core/encoding/binary/1.0}"
REPEAT = {"1": "", "0-1": "?", "0-N": "*", "1-N": "+"}
MESSAGES_101, PARAMETERS_101 = map(tables.definitions, (tables_llrp101.MESSAGES, tables_llrp101.PARAMETERS))
CUSTOM = [*tables.CUSTOM_MESSAGES.values(), *tables.CUSTOM_PARAMETERS.values()]
EVERYTHING = [d for version in tables.VERSIONS.values() for d in (*version[0].values(), *version[1].values())] + CUSTOM

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
@pytest.mark.parametrize(("tag", "ours"), [("message", MESSAGES_101), ("parameter", PARAMETERS_101)])
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
    assert enumerations == tables.enumerations(tables_llrp101.ENUMERATIONS)
    assert choices == tables.choices(tables_llrp101.CHOICES)


def test_every_child_and_enumeration_named_in_a_definition_exists() -> None:
    """No definition refers to something that is not there."""
    for version in tables.VERSIONS.values():
        known = version.parameters.keys() | tables.CUSTOM_PARAMETERS.keys()
        for definition in [*version.messages.values(), *version.parameters.values(), *CUSTOM]:
            for child in definition.children:
                names = version.choices[child.name.strip("<>")] if child.name.startswith("<") else (child.name,)
                assert known.issuperset(names), definition.name
    for definition in EVERYTHING:
        for field in definition.fields:
            assert field.enumeration is None or field.enumeration in tables.ENUMERATIONS, definition.name


def test_a_tv_parameter_has_a_fixed_length_and_no_children() -> None:
    """A TV parameter carries no length, so it may hold nothing that varies; each is one run of whole numbers."""
    for definition in EVERYTHING:
        if definition.number <= tables.TV_LAST and definition in tables.VERSIONS[2].parameters.values():
            assert definition.size > 0
            assert not definition.children
            assert [type(step) for step in definition.steps] == [tables.Scalars]
            assert all(f.bits for f in definition.fields)


def test_bits_fill_whole_bytes() -> None:
    """Fields smaller than a byte and reserved bits add up to whole bytes in every definition."""
    for definition in EVERYTHING:
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


def test_numbers_and_names_are_used_once() -> None:
    """Within a version, and within a vendor's extensions, a number stands for one thing and a name too."""
    for version in tables.VERSIONS.values():
        for known in (version.messages, version.parameters):
            assert len({d.number for d in known.values()}) == len(known)
    for known in (tables.CUSTOM_MESSAGES, tables.CUSTOM_PARAMETERS):
        assert len({(d.vendor, d.number) for d in known.values()}) == len(known)
        for version in tables.VERSIONS.values():
            assert not known.keys() & (version.messages.keys() | version.parameters.keys())


def test_version_1_1_changes_what_the_standard_says_it_changes() -> None:
    """The bytes of three parameters are read otherwise in 1.1; everything else of 1.0.1 is as it was or only longer."""
    old, new = tables.VERSIONS[1], tables.VERSIONS[2]
    assert old.messages == new.messages
    assert old.parameters.keys() == new.parameters.keys()
    changed = {name for name in old.parameters if old.parameters[name].fields != new.parameters[name].fields}
    assert changed == {
        *("C1G2LLRPCapabilities", "C1G2TagInventoryStateAwareSingulationAction", "C1G2EPCMemorySelector"),
    }
    for name in old.parameters:
        assert new.parameters[name].number == old.parameters[name].number
        assert set(old.parameters[name].children) <= set(new.parameters[name].children)


def test_an_enumeration_only_gains_values() -> None:
    """A value has one name, whichever version a message is of."""
    published = tables.enumerations(tables_llrp101.ENUMERATIONS)
    for name, values in tables.enumerations(tables_llrp11.ENUMERATIONS).items():
        assert not published.get(name, {}).keys() & values.keys(), name
    for name, values in published.items():
        assert values.items() <= tables.ENUMERATIONS[name].items()


def test_units_stand_beside_fields() -> None:
    """A quantity says its unit: what no unit is needed for are ids, counts, indices, flags and names."""
    assert next(f for f in tables.PARAMETERS["KeepaliveSpec"].fields if f.name == "PeriodicTriggerValue").unit == "ms"
    assert tables.PARAMETERS["TransmitPowerLevelTableEntry"].fields[1].unit == "cdBm"
    assert tables.CUSTOM_PARAMETERS["ImpinjRFDopplerFrequency"].fields[0].unit == "Hz/16"
    assert tables.PARAMETERS["AntennaID"].fields[0].unit is None
