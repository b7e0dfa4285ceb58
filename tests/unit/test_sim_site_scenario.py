"""Scenarios: what is read, what central announces from it, and the gateway configuration rendered for it."""

import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from simulators import epc
from simulators.scenario import ScenarioError, bundled_names, documents, gateway_config, load, parse

TODAY = date(2026, 11, 21)
BUNDLED = Path(__file__).resolve().parents[2] / "simulators" / "scenarios" / "dock_morning.toml"
PORTS = {
    "readers": {"reader-1": 5084, "reader-2": 5085},
    "modbus": 5020,
    "scale": {"dock-1-scale": 4001},
    "mqtt": 1883,
    "state": "/var/lib/x",
    "socket": "/run/x.sock",
}


def test_bundled_scenarios_load() -> None:
    """Every bundled scenario is found by name and by path, and plays within 35 s."""
    assert "dock_morning" in bundled_names()
    assert load("dock_morning", TODAY) == load(BUNDLED, TODAY)
    assert all(load(name, TODAY).duration <= 35 for name in bundled_names())


def test_expiry_is_relative_to_the_day_of_play() -> None:
    """A lot's expiry in days moves with the day of play; an ISO date stays."""
    text = BUNDLED.read_text("utf-8").replace("expiry = 900", 'expiry = "2030-01-31"')
    for today in (TODAY, TODAY + timedelta(400)):
        scenario = parse(text, today)
        assert scenario.expiry("09520001125058", "E11-2609") == today - timedelta(12)
        assert scenario.expiry("09520001123993", "C7-2611") == date(2030, 1, 31)
    assert scenario.expiry("09520001123993", "nobody") is None


def test_documents_are_the_ones_of_the_design() -> None:
    """ASNs, orders and lots have DESIGN §6's form: serial ranges inclusive, quantities as text, no tags, no ranges."""
    made = {(each.kind, each.key): each.payload for each in documents(load("dock_morning", TODAY))}
    asn = made["asn", ("ASN-88123",)]
    assert asn is not None
    assert (asn["asn"], asn["version"], asn["supplier"]) == ("ASN-88123", 1, "meierei-nord")
    unit = asn["units"][0]
    assert unit["gross_weight"] == {"value": "608.0", "unit": "kg"}
    assert unit["lines"][0] == {
        "gtin": "09520001123450",
        "lot": "A42-2610",
        "expiry": "2027-04-30",
        "quantity": "12",
        "unit": "each",
        "ranges": [["100001", "100012"]],
    }
    assert "ranges" not in unit["lines"][2]
    order = made["order", ("ORD-77120",)]
    assert order is not None
    assert (order["customer"], order["units"][0]["sscc"]) == ("stadtmarkt", unit["sscc"])
    lot = made["lot", ("09520001123467", "B17/2609")]
    assert lot is not None
    assert lot["expiry"] == "2027-03-31"


def test_tags_of_a_pallet() -> None:
    """A pallet shows its SSCC, every case whose tag lives, and the odd tag; a dead tag is not there."""
    scenario = load("dock_morning", TODAY)
    short = scenario.tags(scenario.pallet_of("short"))
    assert short[0] == epc.sscc96("095200010034567022", 7)
    assert len(short) == len(set(short)) == 1 + 10 + 6
    assert epc.sgtin96("09520001124129", "300004", 7) not in short
    assert scenario.tags(scenario.pallet_of("unknown"))[-1] == "E2801160600002084A9C01D2"


def test_gateway_configuration() -> None:
    """The rendered TOML names every device at its port, with the names of DESIGN §6."""
    table = tomllib.loads(gateway_config(load("dock_morning", TODAY), PORTS))
    assert list(table) == [
        *("site", "gateway", "location", "reader", "portal", "profile", "sensor", "scale", "alarm", "mqtt", "api")
    ]
    assert table["site"] == {"id": "bremen", "timezone": "Europe/Berlin", "gln": "9521141123454"}
    assert table["reader"][1] == {"id": "reader-2", "kind": "llrp", "url": "llrp://127.0.0.1:5085"}
    portal = table["portal"][0]
    assert portal["antennas"][0] == {"reader": "reader-1", "port": 1, "row": "outer", "side": "left"}
    assert portal["eyes"][1] == {"reader": "reader-1", "port": 2, "row": "inner", "blocked": True}
    assert portal["lights"] == {"reader": "reader-1", "green": 1, "red": 2, "amber": 3, "hold": "3s"}
    assert table["sensor"][0]["url"] == "modbus+tcp://127.0.0.1:5020/1"
    assert table["profile"][0]["fields"][0]["scale"] == 0.1
    assert table["scale"][0]["url"] == "tcp://127.0.0.1:4001"
    assert table["alarm"][0]["on_delay"] == "3s"
    assert table["alarm"][0]["hold"] is True
    assert table["mqtt"] == {"url": "mqtt://127.0.0.1:1883", "protocol": "3.1.1"}
    assert table["api"] == {"listen": "127.0.0.1:0", "socket": "/run/x.sock"}


@pytest.mark.parametrize(
    ("wrong", "right", "complaint"),
    [
        ("seed = 20261121", 'seed = "x"', r"Expected `int`.*\$\.seed"),
        ("seed = 20261121", "seed = = 1", "Invalid value"),
        ("seed = 20261121", "sede = 1", "unknown field `sede`|missing required field `seed`"),
        (
            'location = "cold-2"\nreader',
            'location = "cold-9"\nreader',
            "location 'cold-9' is not defined; there are cold-2",
        ),
        ('pallet = "crowded"', 'pallet = "nobody"', "pallet 'nobody' is not defined"),
        ('direction = "out"', 'direction = "up"', "direction 'up' is not defined; there are in, out"),
        ('sensor = "cold-2-a"', 'sensor = "z"', "sensor 'z'"),
        ('party = "stadtmarkt"', 'party = "z"', "party 'z'"),
        ("at = 4.9", "at = 4.0", "less than 1.6 s after the one at 0.5 at dock-1"),
        ('sscc = "095299900000007710"', 'sscc = "095299900000007711"', "check digit should be 0"),
        ("count = 6 }]\nraw", 'count = 6, unreadable = ["x"] }]\nraw', "Expected `int`"),
        ('lot = "D03-2610", quantity', 'lot = "D99", quantity', "lot '09520001124129/D99' is not defined"),
        ('strays = { gtin = "09529990000018"', 'strays = { gtin = "1"', "strays of '1'"),
    ],
)
def test_mistakes_are_said(wrong: str, right: str, complaint: str) -> None:
    """A wrong type, key, reference, number or an impossible timetable is refused, with the name of the thing."""
    text = BUNDLED.read_text("utf-8")
    assert wrong in text
    with pytest.raises(ScenarioError, match=complaint):
        parse(text.replace(wrong, right), TODAY, "morning.toml")


def test_an_unknown_name_lists_what_there_is() -> None:
    """Asking for a scenario that is not there names those that are."""
    with pytest.raises(ScenarioError, match="dock_morning"):
        load("dusk")
