"""Files of announcements: what is sound becomes documents, every bad row is told with its line, memory stays small."""

import json
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.importing import csv_files, json_files
from gateway.cli.importing.checking import problem
from gateway.cli.importing.pieces import MOST_LINES, Fault, Piece
from gateway.cli.importing.sending import check, send
from simulators.epc import check_digit

GTIN = "04012345000009"
HEADER = "asn,sscc,gtin,lot,quantity"


def sscc(number: int) -> str:
    """The SSCC of a pallet."""
    body = f"3401234500{number:07d}"
    return body + check_digit(body)


def write(folder: Path, name: str, text: str | bytes) -> Path:
    """A file."""
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def rows(*lines: str, header: str = HEADER) -> str:
    """A CSV file's text."""
    return "\n".join([header, *lines]) + "\n"


def unit(number: int, *lines: dict[str, Any]) -> dict[str, Any]:
    """A unit of a document."""
    return {"sscc": sscc(number), "lines": list(lines)}


def line(lot: str = "L1", quantity: str = "1", **more: Any) -> dict[str, Any]:
    """A line of a unit."""
    return {"gtin": GTIN, "lot": lot, "quantity": quantity} | more


class Wire:
    """A gateway that takes everything but some documents, and remembers."""

    def __init__(self, refused: Iterable[str] = ()) -> None:
        self.asked: list[dict[str, Any]] = []
        self.refused = set(refused)

    def request(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer as the command socket does."""
        assert name == "import"
        self.asked.append(args)
        if args["document"].get(args["kind"]) in self.refused:
            return {"ok": False, "error": "the newer one stays"}
        return {"ok": True}


def documents(file: Path, kind: str = "asn") -> list[dict[str, Any]]:
    """The documents of a sound file, their parts put together."""
    read = csv_files.read(file, kind) if file.suffix == ".csv" else json_files.read(file)
    found: dict[int, dict[str, Any]] = {}
    for piece in read:
        assert isinstance(piece, Piece), piece
        assert problem(kind, piece.payload) is None
        if piece.document in found:
            assert piece.part > 0
            found[piece.document]["units"] += piece.payload["units"]
        else:
            found[piece.document] = piece.payload
    return list(found.values())


def test_a_csv_of_asns_is_what_its_rows_say(tmp_path: Path) -> None:
    """Units of consecutive rows, document columns once, lists by blanks, unknown columns with their line."""
    header = "asn,version,supplier,po,desadv,sscc,gross_weight,gtin,lot,quantity,unit,expiry,serials,ranges,colour"
    text = rows(
        f'A1,2,"ACME, Inc.",PO-1,D-1,{sscc(1)},608.0,{GTIN},L/1,24,,2027-01-31,1 2,100-199,red',
        f'A1,,,,,{sscc(1)},,{GTIN},"L""2",2.5,kg,,,,',
        f"A1,,,,,{sscc(2)},,{GTIN},L1,1,,,,,",
        f"A2,,,,,{sscc(3)},,{GTIN},Ü,1,,,,,",
        header=header,
    )
    first, second = documents(write(tmp_path, "a.csv", b"\xef\xbb\xbf" + text.encode()))
    assert first == {
        "asn": "A1",
        "version": 2,
        "supplier": "ACME, Inc.",
        "documents": [{"type": "po", "id": "PO-1"}, {"type": "desadv", "id": "D-1"}],
        "units": [
            {
                "sscc": sscc(1),
                "gross_weight": {"value": "608.0", "unit": "kg"},
                "lines": [
                    line("L/1", "24", expiry="2027-01-31", serials=["1", "2"], ranges=[["100", "199"]], colour="red"),
                    line('L"2', "2.5", unit="kg"),
                ],
            },
            {"sscc": sscc(2), "gross_weight": None, "lines": [line()]},
        ],
    }
    assert [one["lot"] for one in second["units"][0]["lines"]] == ["Ü"]


def test_orders_lots_and_commissioning_lists_come_as_csv_too(tmp_path: Path) -> None:
    """Each kind has its columns; a unit of an order may have no lines, a lot keeps unknown columns itself."""
    order = rows(f"O1,5,SHOP,{sscc(1)}", header="order,min_shelf_life_days,customer,sscc")
    assert documents(write(tmp_path, "o.csv", order), "order") == [
        {"order": "O1", "min_shelf_life_days": 5, "customer": "SHOP",
         "units": [{"sscc": sscc(1), "gross_weight": None, "lines": []}]}
    ]  # fmt: skip
    lots = rows(f"{GTIN},L1,3,red", f"{GTIN},L2,,", header="gtin,lot,shelf_life_days,colour")
    assert documents(write(tmp_path, "l.csv", lots), "lot") == [
        {"gtin": GTIN, "lot": "L1", "shelf_life_days": 3, "colour": "red"},
        {"gtin": GTIN, "lot": "L2"},
    ]
    made = rows(f"C1,{GTIN},L1,1 2", f"C1,{GTIN},L2,3", header="commission,gtin,lot,serials")
    assert documents(write(tmp_path, "c.csv", made), "commission") == [
        {"commission": "C1", "lines": [
            {"gtin": GTIN, "lot": "L1", "serials": ["1", "2"]}, {"gtin": GTIN, "lot": "L2", "serials": ["3"]}]}
    ]  # fmt: skip


GOOD = f"A1,{sscc(1)},{GTIN},L1,24"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (rows(GOOD, f"A2,{sscc(2)},{GTIN},L1,-3"), "3: quantity: -3 is not more than nothing"),
        (rows(GOOD, f"A2,{sscc(2)},{GTIN},L1,0"), "3: quantity: 0 is not more than nothing"),
        (rows(GOOD, f'A2,{sscc(2)},{GTIN},L1,"1,5"'), "3: quantity: '1,5' has a decimal comma; write 1.5"),
        (rows(GOOD, f"A2,{sscc(2)},{GTIN},L1,1,5"), "3: 6 cells stand under 5 columns"),
        (rows(GOOD, f"A2,{sscc(2)},{GTIN}"), "3: 3 cells stand under 5 columns"),
        (rows(GOOD, f"A2,340123450000000018,{GTIN},L1,1"), "3: sscc: "),
        (rows(GOOD, f"A2,{sscc(2)},4012345000008,L1,1"), "3: gtin: "),
        (rows(GOOD, f"A2,{sscc(2)},{GTIN},L1,1", f"A2,{sscc(3)},{GTIN},L1,1", f"A2,{sscc(2)},{GTIN},L2,1"),
         f"5: sscc {sscc(2)} stands on line 3 already"),
        (rows(GOOD, f"A2,{sscc(2)},{GTIN},L1,1", f"A2,{sscc(2)},{GTIN},L1,2"), "3: lot L1 of GTIN"),
    ],
)  # fmt: skip
def test_a_bad_row_spoils_its_document_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    """The row is told as file:line with the reason, and the document before it is taken."""
    file = write(tmp_path, "a.csv", text)
    (found,) = check("asn", (file,))
    wire = Wire()
    told = capsys.readouterr().err.splitlines()
    assert [one for one in told if one.startswith(f"{file}:{says}")] == told[:1]
    assert (found.sound, send("asn", [found], wire)) == (1, 1)  # type: ignore[arg-type]
    assert [one["document"]["asn"] for one in wire.asked] == ["A1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (rows(GOOD, f'A2,{sscc(2)},{GTIN},"L1,1'), ["3: not CSV: unexpected end of data; what follows is not read"]),
        (rows(GOOD).encode() + b"A2,\xff\n", ["3: not UTF-8; save the file as CSV UTF-8"]),
        (
            rows(GOOD, f"A2,{sscc(2)},{GTIN},L1,1", GOOD),
            ["4: asn A1 began on line 2 and has ended", "2: asn A1 goes on, on line 4, behind other documents"],
        ),
    ],
)
def test_a_document_that_may_not_be_whole_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes, says: list[str]
) -> None:
    """Where the rest of a file is lost, or a document goes on behind another, nobody knows all that it says."""
    file = write(tmp_path, "a.csv", text)
    (found,) = check("asn", (file,))
    told = capsys.readouterr().err.splitlines()
    assert [one.startswith(f"{file}:{words}") for one, words in zip(told, says, strict=True)] == [True] * len(says)
    wire = Wire()
    send("asn", [found], wire)  # type: ignore[arg-type]
    assert "A1" not in [one["document"]["asn"] for one in wire.asked]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("asn;sscc;gtin;lot;quantity\n", "1: columns are separated by commas, not by semicolons or tabs"),
        ("asn\tsscc\tgtin\tlot\tquantity\n", "1: columns are separated by commas"),
        ("asn,sscc,lot\n", "1: the header lacks gtin, quantity; it has asn, sscc, lot"),
        ("asn,sscc,gtin,quantity,lot,lot\n", "1: column 'lot' stands twice"),
        ("asn,sscc,gtin,quantity,\n", "1: a column has no name"),
        ("", "1: the file is empty; its first line names the columns: asn, sscc, gtin, quantity"),
        (rows(f",{sscc(1)},{GTIN},L1,1"), "2: no asn is named here"),
        ("a\ns\nn".encode("utf-16"), "1: not UTF-8"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes, says: str
) -> None:
    """Semicolons, missing columns, no header: one clear sentence, and nothing is taken."""
    file = write(tmp_path, "a.csv", text)
    (found,) = check("asn", (file,))
    assert capsys.readouterr().err.startswith(f"{file}:{says}")
    assert found.sound == 0


def test_a_row_that_may_belong_to_the_next_document_spoils_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the cell that names the document is missing, neither neighbour is taken without that row."""
    header = "sscc,gtin,lot,quantity,asn"
    text = rows(f"{sscc(1)},{GTIN},L1,1,A1", f"{sscc(2)},{GTIN}", f"{sscc(3)},{GTIN},L1,1,A2", header=header)
    (found,) = check("asn", (write(tmp_path, "a.csv", text),))
    assert (found.documents, found.sound) == (2, 0)
    assert "asn A2: line 3 may belong to it, too" in capsys.readouterr().err


def test_json_is_one_a_list_or_one_a_line(tmp_path: Path) -> None:
    """The three forms give the same documents; unknown keys stay where they are."""
    several = [{"asn": f"A{number}", "units": [unit(number, line())], "foo": 1} for number in range(3)]
    for name, text in (
        ("list.json", json.dumps(several, indent=1)),
        ("compact.json", json.dumps(several)),
        ("lines.ndjson", "\n\n".join(map(json.dumps, several))),
        ("lines.json", "\n".join(map(json.dumps, several))),
    ):
        assert documents(write(tmp_path, name, text)) == several
    assert documents(write(tmp_path, "one.json", "\ufeff" + json.dumps(several[0], indent=2))) == several[:1]
    empty = {"asn": "A1", "units": []}
    assert documents(write(tmp_path, "empty.json", json.dumps(empty))) == [empty]


def test_every_bad_row_of_json_is_told_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Units and lines are found in pretty and in compact text; what is no object at all, too; the rest is sound."""
    bad = {"asn": "A1", "units": [unit(1, line(), line("L2", "0")), unit(2, line(), line("L2", "x")), {"sscc": "1"}]}
    text = json.dumps([{"asn": "A0"}, bad, 7, {"asn": "A2", "units": "none"}, {"asn": "A3"}], indent=1)
    file = write(tmp_path, "a.json", text)
    (found,) = check("asn", (file,))
    told = capsys.readouterr().err.splitlines()
    lines = text.splitlines()
    zero, odd = (
        next(i for i, one in enumerate(lines) if '"0"' in one),
        next(i for i, one in enumerate(lines) if '"x"' in one),
    )
    assert told[0].startswith(f"{file}:{zero - 2}: quantity: 0 is not more")  # the line of the row's brace
    assert told[1].startswith(f"{file}:{odd - 2}: quantity: 'x' is not a decimal")
    assert told[2].endswith("has 1 digits, not 18")
    assert told[3].endswith("a document is a JSON object, not 7")
    assert "$.units" in told[4]
    assert (found.documents, found.sound) == (5, 2)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", '{"asn": ', "1: not JSON"),
        ("a.json", '[{"asn": "A1"},\n{"asn" "A2"}]', "2: not JSON"),
        ("a.json", "[" * 5000, "1: not JSON"),
        ("a.ndjson", '{"asn":"A1"}\n{"asn":\n{"asn":"A3"}', "2: not JSON"),
        ("a.json", '"x"', "1: a document is a JSON object"),
    ],
)
def test_what_is_not_json_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, says: str
) -> None:
    """A broken file, a broken line among good ones."""
    file = write(tmp_path, name, text)
    (found,) = check("asn", (file,))
    assert capsys.readouterr().err.startswith(f"{file}:{says}")
    assert found.sound == (2 if name == "a.ndjson" else 0)


def test_a_long_document_comes_in_parts_and_a_late_fault_spoils_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """3,000 lines are several pieces, in order, the last one marked; a bad last row keeps all of them back."""
    lines = [f"A1,{sscc(number)},{GTIN},L{lot},1" for number in range(600) for lot in range(5)]
    whole = {"asn": "A1", "units": [unit(n, *(line(f"L{lot}") for lot in range(5))) for n in range(600)]}
    for file in (write(tmp_path, "a.csv", rows(*lines)), write(tmp_path, "a.json", json.dumps(whole))):
        wire = Wire()
        assert send("asn", check("asn", (file,)), wire) == 1  # type: ignore[arg-type]
        assert [one["part"] for one in wire.asked] == list(range(len(wire.asked)))
        assert [one["last"] for one in wire.asked] == [False] * (len(wire.asked) - 1) + [True]
        sizes = [sum(len(one["lines"]) for one in part["document"]["units"]) for part in wire.asked]
        assert max(sizes) <= MOST_LINES
        assert sum(sizes) == 3000
    whole["units"][-1] = whole["units"][0]
    double = write(tmp_path, "b.json", json.dumps(whole))
    bad = write(tmp_path, "b.csv", rows(*lines, f"A1,{sscc(700)},{GTIN},L1,-1"))
    capsys.readouterr()
    for file, says in ((double, f"sscc {sscc(0)} is announced twice"), (bad, "3002: quantity: -1")):
        wire = Wire()
        assert send("asn", check("asn", (file,)), wire) == 0  # type: ignore[arg-type]
        assert wire.asked == []
        assert says in capsys.readouterr().err


def test_what_the_gateway_refuses_is_told_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal names file and line of the document; further parts of it are not sent."""
    several = [{"asn": f"A{n}", "units": [unit(1000 * n + k) for k in range(1200)]} for n in range(3)]
    file = write(tmp_path, "a.ndjson", "\n".join(map(json.dumps, several)))
    wire = Wire(refused=["A1"])
    assert send("asn", check("asn", (file,)), wire) == 2  # type: ignore[arg-type]
    assert [one["document"]["asn"] for one in wire.asked] == ["A0"] * 3 + ["A1"] + ["A2"] * 3
    assert capsys.readouterr().err == f"{file}:2: the newer one stays\n"


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Ten times the rows of a document need no more than its list of SSCCs."""
    peaks = []
    for size in (1_000, 10_000):
        file = write(tmp_path, "a.csv", rows(*(f"A1,{sscc(number)},{GTIN},L1,1" for number in range(size))))
        tracemalloc.start()
        for _ in csv_files.read(file, "asn"):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 9_000 * 300


@settings(max_examples=60)
@given(st.text() | st.binary(), st.sampled_from(["a.csv", "a.json", "a.ndjson"]), st.sampled_from(["asn", "lot"]))
def test_no_file_stops_the_reader(tmp_path_factory: pytest.TempPathFactory, text: Any, name: str, kind: str) -> None:
    """Whatever stands in a file, it ends in documents and faults with a line, never in an error of ours."""
    folder = tmp_path_factory.mktemp("import")
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    file = write(folder, name, content)
    (found,) = check(kind, (file,))
    assert 0 <= found.sound <= found.documents
    for item in csv_files.read(file, kind) if name == "a.csv" else json_files.read(file):
        assert isinstance(item, Piece | Fault)
        assert item.line >= 1
