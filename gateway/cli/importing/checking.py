"""Every bad row of a piece, found by the rules that the gateway applies to what it is given."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from gateway.cli.importing.pieces import Fault, Piece
from gateway.model.outcome import Rejection
from gateway.rules.documents import read_document

IDS = {"lot": ("gtin", "lot"), "policy": ()}
"""What names a document, where that is not the key of its kind."""

LISTS = {"asn": "units", "order": "units", "commission": "lines"}


def faults(kind: str, piece: Piece) -> Iterator[Fault]:
    """What is wrong with a piece: row by row where rows are wrong, else as a whole."""
    payload = piece.payload
    whole = problem(kind, payload)
    if whole is None:
        return
    found = False
    for place, text in _rows(kind, payload):
        found = True
        yield Fault(piece.place(place), text, piece.document)
    if not found:
        yield Fault(piece.line, whole, piece.document)


def problem(kind: str, payload: dict[str, Any]) -> str | None:
    """Why the gateway would refuse this document; None: it would not."""
    ids = (str(payload.get(name, "")) for name in IDS.get(kind, (kind,)))
    topic = "/".join(["down", kind, *(quote(one, safe="", errors="replace") for one in ids)])
    read = read_document(topic, payload, None, 0)
    return read.detail if isinstance(read, Rejection) else None


def _rows(kind: str, payload: dict[str, Any]) -> Iterator[tuple[tuple[int | None, int | None], str]]:
    """Units and lines that would be refused alone, if the document without them would not be."""
    name = LISTS.get(kind, "")
    several = payload.get(name)
    if not isinstance(several, list) or problem(kind, payload | {name: []}) is not None:
        return
    for index, one in enumerate(several):
        if name == "lines":
            if text := problem(kind, payload | {name: [one]}):
                yield (None, index), _short(text)
            continue
        lines = one.get("lines") if isinstance(one, dict) else None
        if not isinstance(lines, list) or (text := problem(kind, payload | {name: [one | {"lines": []}]})):
            yield (index, None), _short(problem(kind, payload | {name: [one]}) or "")
            continue
        bad = [(number, text) for number, line in enumerate(lines)
               if (text := problem(kind, payload | {name: [one | {"lines": [line]}]}))]  # fmt: skip
        for number, text in bad:
            yield (index, number), _short(text)
        if not bad and (text := problem(kind, payload | {name: [one]})):
            yield (index, None), _short(text)


def _short(text: str) -> str:
    """A rule's sentence without the way to a row that stands alone: the line says where it is."""
    for prefix in ("$.units[0].lines[0].", "$.units[0].lines: ", "$.units[0].", "$.lines[0]."):
        text = text.removeprefix(prefix)
    for path in (" - at `$.units[0].lines[0]", " - at `$.units[0]", " - at `$.lines[0]"):
        text = text.replace(path, " - at `$")
    return text
