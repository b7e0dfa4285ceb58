"""Announcements from files into the real daemon: a very long ASN in parts, orders, lots and commissioning lists."""

import pytest


@pytest.fixture
async def gateway(bench, folder, dock):
    """A running gateway with one door."""
    async with bench.gateway(folder, bench.configuration(dock.ports)) as running:
        await dock.active()
        yield running


def rows(bench, pallets, *more):
    """A CSV of one ASN: five lines a unit, the first of them the cases that are really there."""
    text = ["asn,supplier,sscc,gtin,lot,quantity,serials,colour"]
    for pallet in pallets:
        serials = " ".join(str(pallet.first + case) for case in range(pallet.cases))
        text.append(f"LONG,ACME,{pallet.sscc},{bench.GTIN},{bench.LOT},{pallet.cases},{serials},red")
        text += [f"LONG,,{pallet.sscc},{bench.GTIN},X{number},1,,blue" for number in range(4)]
    return "\n".join([*text, *more]) + "\n"


async def test_a_long_asn_comes_in_parts_and_its_last_pallet_is_received(bench, gateway, dock):
    """2,500 lines are several turns; pallets of the first and of the last part match; again is no change."""
    pallets = [bench.Pallet(number) for number in range(1, 501)]
    file = gateway.folder / "long.csv"
    file.write_text(rows(bench, pallets))
    said = await gateway.cli("asn", "import", str(file))
    assert (said.code, said.out, said.err) == (0, "ASNs taken: 1 of 1\n", "")
    with gateway.view() as view:
        (asn,) = view.expectations()
        assert len(asn["units"]) == 500
        position = view.outbox_counts()
    again = await gateway.cli("asn", "import", str(file))
    assert (again.code, again.out) == (0, "ASNs taken: 1 of 1\n")
    with gateway.view() as view:
        assert view.expectations() == [asn]
        assert view.outbox_counts() == position
    for number, pallet in enumerate((pallets[0], pallets[-1]), start=1):
        await dock.cross(pallet.tags)
        moved = (await gateway.moved(number))[-1]
        assert (moved["expectation"], moved["sscc"]) == ("asn/LONG", pallet.sscc)
        assert (moved["verdict"], len(moved["lines"])) == ("accepted", 5)


async def test_a_bad_row_keeps_its_asn_out_and_the_others_come_in(bench, gateway):
    """The daemon never hears of a document with a bad row, wherever that stands."""
    file = gateway.folder / "bad.csv"
    good = f"GOOD,,{bench.Pallet(900).sscc},{bench.GTIN},L1,1,,"
    bad = f"LONG,,{bench.Pallet(899).sscc},{bench.GTIN},L1,-1,,"
    file.write_text(rows(bench, [bench.Pallet(number) for number in range(1, 301)], bad, good))
    said = await gateway.cli("asn", "import", str(file))
    assert (said.code, said.out) == (1, "ASNs taken: 1 of 2\n")
    assert said.err == f"{file}:1502: quantity: -1 is not more than nothing\n"
    with gateway.view() as view:
        assert [one["id"] for one in view.expectations()] == ["GOOD"]


async def test_orders_lots_and_commissioning_lists(bench, gateway):
    """Each kind has its import; an older version is refused with file and line; without a gateway `--check` works."""
    files = {
        "order": f"order,version,customer,sscc\nO1,2,SHOP,{bench.Pallet(1).sscc}\n",
        "lots": f"gtin,lot,product,expiry,colour\n{bench.GTIN},L/1,Peas,2030-01-31,green\n",
        "commission": f"commission,gtin,lot,serials\nC1,{bench.GTIN},L/1,1 2 3\n",
    }
    for kind, text in files.items():
        file = gateway.folder / f"{kind}.csv"
        file.write_text(text)
        said = await gateway.cli(kind, "import", str(file))
        assert (said.code, said.err) == (0, "")
        assert said.out.endswith("taken: 1 of 1\n")
    (lot,) = (await gateway.cli("lots", "--json")).rows()
    assert (lot["lot"], lot["product"], lot["expiry"]) == ("L/1", "Peas", "2030-01-31")
    older = gateway.folder / "order.csv"
    older.write_text(files["order"].replace("O1,2", "O1,1"))
    said = await gateway.cli("order", "import", str(older))
    assert (said.code, said.out) == (1, "orders taken: 0 of 1\n")
    assert said.err == f"{older}:2: version 1 arrived after version 2; the newer one stays\n"
    assert (await gateway.cli("order", "import", "/dev/null")).code == 2
    await gateway.stop()
    assert (await gateway.cli("order", "import", "--check", str(older))).out == "orders sound: 1 of 1\n"
    dead = await gateway.cli("order", "import", str(older))
    assert (dead.code, dead.out) == (1, "")
    assert "no gateway answers" in dead.err
