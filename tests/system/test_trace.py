"""Trace, recall and export beside the real daemon, and when it does not run."""

import csv
import json

import pytest


@pytest.fixture
async def gateway(bench, folder, dock):
    """A running gateway with one door, and two pallets: one here, one gone to a customer."""
    async with bench.gateway(folder, bench.configuration(dock.ports)) as running:
        await dock.active()
        for number in (1, 2):
            pallet = bench.Pallet(number)
            document = bench.asn(f"A{number}", pallet.unit()) | {"supplier": "ACME"}
            file = running.folder / f"a{number}.json"
            file.write_text(json.dumps(document))
            assert (await running.cli("asn", "import", str(file))).code == 0
            await dock.cross(pallet.tags)
            await running.moved(number)
        gone = running.folder / "order.csv"
        gone.write_text(f"order,customer,sscc\nO1,SHOP,{bench.Pallet(2).sscc}\n")
        assert (await running.cli("order", "import", str(gone))).code == 0
        await dock.cross(bench.Pallet(2).tags, way="out")
        await running.moved(3)
        yield running


async def test_trace_beside_the_daemon_and_without_it(bench, gateway):
    """One lot by its name, its pallet and its tag, in words, as JSON and as CSV; unknown names exit 1."""
    lot = f"{bench.GTIN}/{bench.LOT}"
    said = await gateway.cli("trace", lot, "--json")
    (found,) = said.rows()
    assert [(one["type"], one["verdict"]) for one in found["movements"]] == [
        ("receive", "accepted"),
        ("receive", "accepted"),
        ("ship", "accepted"),
    ]
    with gateway.view() as view:
        for one in found["movements"]:
            (event,) = view.events(one["seq"], one["seq"])
            assert (event.id, event.attributes["subject"]) == (one["event"], one["movement"])
            assert one["at"].endswith("Z")
    assert [one["party"] for one in found["destinations"]] == ["SHOP"]
    table = list(csv.DictReader((await gateway.cli("trace", lot, "--csv")).out.splitlines()))
    assert [row["event"] for row in table] == [one["event"] for one in found["movements"]]
    words = await gateway.cli("trace", bench.Pallet(2).sscc)
    assert words.code == 0
    for text in ("unit ", "ship accepted: cold-2 → outside", "evidence: event ", "where it went:", "to SHOP (order/O1"):
        assert text in words.out, text
    item = (await gateway.cli("trace", bench.Pallet(1).tags[1], "--json")).rows()[0]
    assert [one["parent"] for one in item["items"]] == [bench.Pallet(1).sscc]
    for unknown in ("L9", "340123450000000117", "30F4257BF7194E4000000FFF"):
        dead = await gateway.cli("trace", unknown)
        assert (dead.code, dead.out) == (1, "")
        assert "names nothing that this ledger knows here" in dead.err
    await gateway.stop()
    assert (await gateway.cli("trace", lot, "--json")).out == said.out


async def test_a_recall_holds_what_is_here_and_names_what_left(bench, gateway, dock):
    """`--list` holds nothing; a recall holds all places by one event each, and the held pallet may not leave."""
    lot = f"{bench.GTIN}/{bench.LOT}"
    listed = await gateway.cli("recall", bench.LOT, "--list")
    assert listed.code == 0
    assert f"{lot}: 3 each in cold-2, available" in listed.out
    assert (await gateway.cli("lots", "--json")).rows()[0]["held"] is False
    said = await gateway.cli("recall", bench.LOT, "--json", "--reason", "glass found", "--by", "anna")
    assert (said.code, said.err) == (0, "")
    (found,) = said.rows()
    assert [(one["location"], one["status"], one["quantity"]) for one in found["here"]] == [("cold-2", "hold", "3")]
    assert [(one["party"], one["quantity"], one["sscc"]) for one in found["left"]] == [
        ("SHOP", "3", bench.Pallet(2).sscc)
    ]
    assert [(one["lot"], len(one["places"])) for one in found["held"]] == [(bench.LOT, 1)]
    with gateway.view() as view:
        holds = [event for event in view.events(1, 100) if event.kind == "hold"]
        assert len(holds) == 1
        (hold,) = view.holds()
        assert (hold["lot"], hold["reason"]) == (bench.LOT, "glass found")
    again = await gateway.cli("recall", bench.LOT, "--reason", "glass found", "--by", "anna")
    assert again.code == 0
    with gateway.view() as view:
        assert len([event for event in view.events(1, 100) if event.kind == "hold"]) == 1
    order = gateway.folder / "more.csv"
    order.write_text(f"order,customer,sscc\nO2,SHOP,{bench.Pallet(1).sscc}\n")
    assert (await gateway.cli("order", "import", str(order))).code == 0
    await dock.cross(bench.Pallet(1).tags, way="out")
    assert (await gateway.moved(4))[-1]["verdict"] == "refused"
    recalled = (await gateway.cli("recall", bench.LOT, "--list", "--json")).rows()[0]
    assert [one["sscc"] for one in recalled["refused"]] == [bench.Pallet(1).sscc]


async def test_a_recall_without_a_gateway_lists_and_says_that_nothing_is_held(bench, gateway):
    """Who recalls while the gateway is off still learns where everything is; exit 1, for it is not held."""
    await gateway.stop()
    said = await gateway.cli("recall", bench.LOT)
    assert said.code == 1
    assert "to SHOP" in said.out
    assert said.err.startswith("tallyman: nothing is held: no gateway answers on ")
    assert (await gateway.cli("recall", bench.LOT, "--list")).code == 0
    unknown = await gateway.cli("recall", "L9")
    assert (unknown.code, unknown.out) == (1, "")


async def test_export_fsma204(bench, gateway):
    """A row for each event, in the columns of the rule; what is not known is counted on stderr."""
    file = gateway.folder / "kde.csv"
    span = ("--from", "2020-01-01", "--to", "2099-12-31")
    said = await gateway.cli("export", "fsma204", *span, "-o", str(file))
    assert (said.code, said.out) == (0, "")
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [row["cte"] for row in rows] == ["receiving", "receiving", "shipping"]
    assert {row["traceability_lot_code"] for row in rows} == {f"(01){bench.GTIN}(10){bench.LOT}"}
    assert rows[0]["immediate_previous_source"] == "ACME"
    assert rows[2]["immediate_subsequent_recipient"] == "SHOP"
    assert said.err.splitlines()[0] == "3 rows, 2020-01-01 to 2099-12-31"
    assert "not known: product_description of 2 rows (receiving)" in said.err
    assert len((await gateway.cli("export", "fsma204", *span, bench.LOT, "--json")).rows()) == 3
    wrong = await gateway.cli("export", "fsma204", "--from", "2026-02-01", "--to", "2026-01-01")
    assert (wrong.code, wrong.out) == (1, "")
    assert "lies before" in wrong.err
    for odd in (("--from", "0001-01-01", "--to", "2026-01-01"), ("--from", "2026-01-01", "--to", "9999-12-31")):
        refused = await gateway.cli("export", "fsma204", *odd)
        assert (refused.code, refused.out) == (1, "")
        assert "lie between 1970-01-01 and 9999-12-30" in refused.err
    dead = await gateway.cli("export", "fsma204", *span, "-o", str(gateway.folder / "none" / "kde.csv"))
    assert (dead.code, dead.out) == (1, "")
    assert "cannot be written" in dead.err
