"""Our events against the ratified EPCIS 2.0.1 JSON schema, and the model events against our own checks.

The schema is GS1's and is not part of this project: its path is read from TALLYMAN_EPCIS_SCHEMA, else it is looked for
beside the checkout; without it those tests, and only those, are skipped. Formats are checked: this schema leans on
`uri`, and without the format checker unknown words and property names would all pass.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from gateway.events import render
from gateway.events.check import problems
from gateway.events.places import is_uri
from gateway.identity import decode
from gateway.model.documents import Reference
from gateway.model.outcome import (
    Correction,
    Decision,
    Excursion,
    Hold,
    Line,
    LotMinutes,
    Movement,
    Release,
    Transformation,
    Weighed,
)
from gateway.model.settings import Settings

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SCHEMA = Path(os.environ.get("TALLYMAN_EPCIS_SCHEMA") or SHARED / "epcis-json-schema.json")
SITES = (
    Settings(site="s1", gateway="gw", timezone="Asia/Shanghai", gln="9521141123454", prefix_length=7),
    Settings(site="s1", gateway="gw", gln="9521141123454"),
    Settings(site="Halle Süd", gateway="gw"),
)
EPCS = ("3074257BF7194E4000001A85", "3074257BF7194E4000001A86", "E2" * 12, "3174257BF4499602D2000000")


Faults = Callable[[dict[str, Any]], list[str]]


@pytest.fixture(scope="module")
def faults() -> Faults:
    """What the ratified schema, with formats, finds wrong with an event."""
    if not SCHEMA.is_file():
        pytest.skip(f"the EPCIS 2.0.1 JSON schema is not part of this project and not at {SCHEMA}")
    checker = jsonschema.Draft7Validator.FORMAT_CHECKER
    assert not checker.conforms("not a uri", "uri"), "install jsonschema[format-nongpl]: the uri format is not checked"
    schema = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()), format_checker=checker)

    def find(event: dict[str, Any]) -> list[str]:
        return [
            f"{best.json_path}: {best.message[:300]}"
            for best in [jsonschema.exceptions.best_match(schema.iter_errors(event))]
            if best
        ]

    return find


@settings(max_examples=300, deadline=None)
@given(
    st.builds(
        "{}{}".format,
        st.sampled_from(["http:", "http://", "urn:", "x://a", ""]),
        st.text("ab1:/?#[]@%2F.+ ä\\", max_size=9),
    )
)
def test_what_we_take_for_a_uri_is_one(text: str) -> None:
    """No text passes for a URI here that the format checker of the schema would refuse."""
    if is_uri(text):
        assert jsonschema.Draft7Validator.FORMAT_CHECKER.conforms(text, "uri")


def _models() -> list[Path]:
    return sorted((SHARED / "events").glob("*.json"))


@pytest.mark.shared
@pytest.mark.skipif(not _models(), reason="shared/ is not part of a clone")
def test_model_events_pass_our_checks() -> None:
    """The model events, which we did not render, are free of the mistakes that we look for."""
    for path in _models():
        assert problems(json.loads(path.read_text())) == [], path.name


@pytest.mark.shared
@pytest.mark.skipif(not _models(), reason="shared/ is not part of a clone")
def test_model_events_are_valid(faults: Faults) -> None:
    """The model events are valid by the schema, so the schema is the right one."""
    for path in _models():
        assert faults(json.loads(path.read_text())) == []


def test_schema_finds_mistakes(faults: Faults) -> None:
    """The schema, as we run it, refuses a wrong word and an unprefixed extension: formats are on."""
    event = _body(_movement("receive", "accepted"), SITES[0])
    assert faults(event) == []
    assert faults(event | {"bizStep": "recieving"})
    assert faults(event | {"lotQuantityList": []})


def _body(decision: Decision, site: Settings) -> dict[str, Any]:
    event = render(decision, 7, site)
    assert event is not None
    body = json.loads(event.body)
    assert isinstance(body, dict)
    return body


def _movement(type_: str, verdict: str) -> Movement:
    line = Line("80614141123458", "A/42", 2000, "each", "serial", EPCS[:2], "2027-04-30", prefix=7)
    return Movement(
        movement="11111111-2222-5333-8444-555555555555",
        passage="dock-1/1",
        portal="dock-1",
        at=1_795_243_331_250_000,
        type=type_,
        origin="a",
        destination="b",
        verdict=verdict,
        reasons=("matched",),
        lines=(line,),
    )


@pytest.mark.parametrize("site", SITES, ids=["urn", "link", "own"])
@pytest.mark.parametrize("verdict", ["accepted", "held"])
@pytest.mark.parametrize("type_", ["receive", "return", "ship", "transfer", "count"])
def test_every_type_of_movement(faults: Faults, type_: str, verdict: str, site: Settings) -> None:
    """Each type of movement, accepted or held, is a valid event in each way of naming places."""
    assert faults(_body(_movement(type_, verdict), site)) == []


STANDING = (LotMinutes("80614141123458", "A/42", 0.0, 2000, "each"),)
ORDERED: dict[str, Decision] = {
    "hold": Hold("h", "cold", 1_795_243_331_250_000, "held_by_person", "command", STANDING, "ann", everywhere=True),
    "nothing": Hold("h", "", 1_795_243_331_250_000, "held_by_central", "hold/H1", (), "central", everywhere=True),
    "rejected": Hold("h", "cold", 1_795_243_331_250_000, "rejected", "command", STANDING, "ann"),
    "release": Release("r", "cold", 1_795_243_331_250_000, "released_by_person", "command", STANDING, "ann"),
    "production": Transformation(
        "11111111-2222-5333-8444-555555555555",
        1_795_243_331_250_000,
        "kitchen",
        _movement("receive", "accepted").lines,
        (Line("09501101530003", "B1", 412_500, "kg", "numbered", basis="class"),),
        "PO-1",
    ),
    "correction": Correction(
        "c", 1_795_243_331_250_000, _movement("receive", "held"), _movement("receive", "accepted"), "incorrect_data"
    ),
    "disposal": structs.replace(_movement("ship", "accepted"), purpose="disposal", by="ann"),
    "put_away": structs.replace(_movement("transfer", "held"), purpose="put_away", by="ann", arrives="hold"),
}


@pytest.mark.parametrize("site", SITES, ids=["urn", "link", "own"])
@pytest.mark.parametrize("name", sorted(ORDERED))
def test_what_persons_and_central_order_passes_our_checks(name: str, site: Settings) -> None:
    """Holds, releases, productions, corrections, disposals: sound by our own checks, in each way of naming places."""
    assert problems(_body(ORDERED[name], site)) == []


@pytest.mark.parametrize("site", SITES, ids=["urn", "link", "own"])
@pytest.mark.parametrize("name", sorted(ORDERED))
def test_what_persons_and_central_order(faults: Faults, name: str, site: Settings) -> None:
    """Holds, releases, productions, corrections, disposals: valid by the ratified schema."""
    assert faults(_body(ORDERED[name], site)) == []


lots = st.text(alphabet="ABCxyz019/+%_ä ", max_size=22) | st.none()
units = st.sampled_from(["each", "kg", "l", "box"])
lines = st.builds(
    Line,
    gtin=st.sampled_from(["80614141123458", "09501101530003", "123", None]),
    lot=lots,
    quantity=st.integers(1, 50).map(lambda n: n * 1000) | st.just(412_500),
    unit=units,
    resolved_by=st.just("sscc"),
    epcs=st.lists(st.sampled_from(EPCS), max_size=3).map(tuple),
    expiry=st.none() | st.just("2027-04-30"),
    basis=st.sampled_from(["sgtin", "class"]),
    expected=st.none() | st.just(24000),
    prefix=st.none() | st.integers(4, 13),
)
movements = st.builds(
    Movement,
    movement=st.just("11111111-2222-5333-8444-555555555555"),
    passage=st.just("dock-1/1"),
    portal=st.sampled_from(["dock-1", "Tor Süd", "x" * 40]),
    at=st.integers(0, 4_000_000_000_000_000),
    type=st.sampled_from(["receive", "ship", "transfer", "return", "count"]),
    origin=st.none() | st.just("a b"),
    destination=st.none() | st.just("chilled"),
    verdict=st.sampled_from(["accepted", "held"]),
    reasons=st.lists(st.sampled_from(["short", "over", "expired"]), max_size=2).map(tuple),
    lines=st.lists(lines, max_size=4).map(tuple),
    sscc=st.sampled_from([None, "106141412345678908", "12"]),
    sscc_epc=st.sampled_from([None, EPCS[3]]),
    expectation=st.sampled_from([None, "asn/A/1", "order/Ü", "odd"]),
    documents=st.lists(
        st.builds(Reference, st.sampled_from(["po", "bol", "x y"]), st.text(max_size=5)), max_size=2
    ).map(tuple),
    party=st.sampled_from([None, "9520001000010", "Molkerei", "urn:epc:id:pgln:9520001.00001", "http://[x"]),
    weight=st.none()
    | st.builds(
        Weighed,
        st.sampled_from(["1.5", "NaN", "?", "-0.0"]),
        st.sampled_from(["kg", "lb", "st"]),
        st.just(1),
        st.just("s c"),
        st.sampled_from([None, "608.0"]),
        st.sampled_from([None, 0.72]),
    ),
    climate=st.lists(
        st.tuples(
            st.sampled_from(["th-1", "th 2"]),
            st.sampled_from(["temperature", "humidity", "light"]),
            st.floats(-50, 100) | st.just(float("nan")),
            st.sampled_from(["Cel", "%", "lx"]),
            st.just(5),
        ),
        max_size=3,
    ).map(tuple),
    evidence=st.dictionaries(
        st.text(max_size=4), st.integers() | st.lists(st.text(max_size=3), max_size=2), max_size=3
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(movements, st.sampled_from(SITES))
def test_any_movement_is_valid(faults: Faults, movement: Movement, site: Settings) -> None:
    """Whatever a movement holds, names and lots of any characters included, its event is valid by the schema."""
    assert faults(_body(movement, site)) == []


@settings(max_examples=100, deadline=None)
@given(movements, st.sampled_from(SITES))
def test_any_movement_lists_each_item_once(movement: Movement, site: Settings) -> None:
    """Whatever a movement holds, no item is listed twice, none is its own content, and no trusted mark stands alone."""
    body = _body(movement, site)
    listed = body.get("epcList", []) + body.get("childEPCs", [])
    assert len(listed) == len(set(listed))
    assert body.get("parentID") not in listed
    if "tally:contentBasis" not in body:
        seen = {decode(epc).uri for line in movement.lines for epc in line.epcs}
        assert seen <= {*listed, body.get("parentID")}
    # random lines may count other than their tags and count halves; the rules never make such lines
    of_the_input = ("items are listed", "is counted by tag and again", "is a count, but not whole")
    assert [problem for problem in problems(body) if not any(words in problem for words in of_the_input)] == []


stays = st.builds(
    LotMinutes,
    st.sampled_from(["80614141123458", ""]),
    st.text(alphabet="AB/ ä", max_size=4),
    st.floats(0, 90),
    st.integers(0, 5000),
    units,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(
        Excursion,
        excursion=st.just("x"),
        alarm=st.just("a b"),
        sensor=st.just("s"),
        quantity=st.sampled_from(["temperature", "humidity", "co2"]),
        unit=st.sampled_from(["Cel", "%", "[ppm]"]),
        location=st.just("cold-2"),
        start=st.just(0),
        end=st.integers(0, 10**12),
        min=st.just(1.0),
        max=st.just(3.0),
        mean=st.just(2.0) | st.just(float("inf")),
        lots=st.lists(stays, max_size=3).map(tuple),
        limit=st.just(8.0),
        side=st.sampled_from(["high", "low"]),
        hold=st.booleans(),
    ),
    st.sampled_from(SITES),
)
def test_any_excursion_and_hold_is_valid(faults: Faults, excursion: Excursion, site: Settings) -> None:
    """Whatever stood in the cold room, the excursion and the hold that follows are valid events."""
    assert faults(_body(excursion, site)) == []
    assert faults(_body(Hold("h", "cold-2", excursion.end, "excursion", "a", excursion.lots), site)) == []
