"""What the EPCIS schema does not check: EPC grammar, units, words that fit together, nothing counted twice.

`problems` reads an event that its schema accepts (a dict, parsed JSON) and says what is wrong, one sentence each.
Sources: TDS 2.3 §6 (URI grammar), EPCIS 2.0.1 §7.4 (events), CBV 2.0 §7 (words), UN/CEFACT Recommendation 20 (units).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from gateway.events.places import is_uri
from gateway.identity import keys
from gateway.identity.elements import value_problem

Json = dict[str, Any]

TYPES = frozenset({"ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent"})
BIZ_STEPS: dict[str, frozenset[str | None]] = {
    "receiving": frozenset({"sellable_not_accessible", "non_sellable_other", "returned", None}),
    "shipping": frozenset({"in_transit", "non_sellable_other"}),
    "storing": frozenset({"sellable_not_accessible", "non_sellable_other"}),
    "stocking": frozenset({"sellable_accessible"}),
    "holding": frozenset({"non_sellable_other"}),
    "sensor_reporting": frozenset({None}),
    "inspecting": frozenset({"conformant", "non_conformant"}),
    "destroying": frozenset({"destroyed"}),
    "cycle_counting": frozenset({"sellable_not_accessible", "sellable_accessible", "non_sellable_other", None}),
    "stock_taking": frozenset({"sellable_not_accessible", "sellable_accessible", "non_sellable_other", None}),
    "commissioning": frozenset({"active"}),
    "creating_class_instance": frozenset({"active"}),
    "accepting": frozenset({"sellable_not_accessible", "in_progress", None}),
}
"""bizStep → dispositions that go with it (None: none), as far as Tallyman speaks of them."""

GOODS_UOM = frozenset({"KGM", "GRM", "TNE", "LTR", "MTR"})
SENSOR_UOM = {
    "Temperature": frozenset({"CEL"}),
    "RelativeHumidity": frozenset({"P1"}),
    "Mass": frozenset({"KGM"}),
    "Time": frozenset({"MIN"}),
}
"""GS1 measurement type → UN/CEFACT codes that we send with it."""

_COMPONENT = r"(?:[!'()*+,\-.:;=_0-9A-Za-z]|%(?:22|25|26|2[Ff]|3[CcEeFf])){1,20}"
_URNS = {
    "urn:epc:id:sgtin:": (rf"(\d{{6,12}})\.(\d{{1,7}})\.{_COMPONENT}", 13),
    "urn:epc:id:sscc:": (r"(\d{6,12})\.(\d{5,11})", 17),
    "urn:epc:id:sgln:": (rf"(\d{{6,12}})\.(\d{{0,6}})\.{_COMPONENT}", 12),
    "urn:epc:id:pgln:": (r"(\d{6,12})\.(\d{0,6})", 12),
    "urn:epc:class:lgtin:": (rf"(\d{{6,12}})\.(\d{{1,7}})\.{_COMPONENT}", 13),
    "urn:epc:idpat:sgtin:": (r"(\d{6,12})\.(\d{1,7})\.\*", 13),
}
_GRAMMAR = {head: (re.compile(body, re.ASCII), digits) for head, (body, digits) in _URNS.items()}
_RAW = re.compile(r"urn:epc:raw:(\d{1,4})(?:\.x[0-9A-F]{2})?\.x([0-9A-F]*)", re.ASCII)
_OTHER_EPC = re.compile(
    r"urn:epc:id:(giai|grai|gsrn|gsrnp|gdti|cpi|sgcn|ginc|gsin|itip|upui|gid|usdod|adi|bic|imovn):.+"
)
_LINK = re.compile(r"https://id\.gs1\.org/(00|01|414|417)/(\d+)((?:/\d{2,4}/[^/?#]+)*)", re.ASCII)
_OTHER_LINK = re.compile(
    r"https://id\.gs1\.org/(253|255|8003|8004|8006|8010|8017|8018)/([^/?#]+)(?:/\d{2,4}/[^/?#]+)*", re.ASCII
)
_LINK_KEYS: dict[str, Callable[[str], str | None]] = {
    "00": keys.sscc_problem,
    "01": lambda text: keys.gtin_problem(text) if len(text) == 14 else f"{text} is not a GTIN-14",
    "414": keys.gln_problem,
    "417": keys.gln_problem,
}


def uri_problem(uri: Any) -> str | None:
    """Why `uri` is not a well-formed EPC URN, GS1 Digital Link or other absolute URI; None when it is."""
    if not isinstance(uri, str) or not is_uri(uri):
        return f"{uri!r} is not a URI"
    if uri.startswith("urn:epc:"):
        return _urn_problem(uri)
    if uri.startswith(f"{keys.RESOLVER}/"):
        if (other := _OTHER_LINK.fullmatch(uri)) is not None:
            return value_problem(other[1], unquote(other[2]))
        match = _LINK.fullmatch(uri)
        if match is None:
            return f"{uri} is not a Digital Link of an SSCC, GTIN or GLN"
        return _LINK_KEYS[match[1]](match[2])
    return None


def _urn_problem(uri: str) -> str | None:
    for head, (grammar, digits) in _GRAMMAR.items():
        if uri.startswith(head):
            match = grammar.fullmatch(uri[len(head) :])
            if match is None:
                return f"{uri} does not follow the grammar of {head}"
            found = len(match[1]) + len(match[2])
            return None if found == digits else f"{uri} has {found} digits of key, not {digits}"
    raw = _RAW.fullmatch(uri)
    if raw is not None:
        fits = len(raw[2]) == -(-int(raw[1]) // 4)
        return None if fits else f"{uri} does not hold {raw[1]} bits"
    return None if _OTHER_EPC.fullmatch(uri) else f"{uri} is no EPC URN that TDS knows"


def gtin_of(uri: str) -> str | None:
    """The GTIN-14 that an item or class URI names; None for other keys."""
    for head in ("urn:epc:id:sgtin:", "urn:epc:class:lgtin:", "urn:epc:idpat:sgtin:"):
        if uri.startswith(head):
            prefix, _, rest = uri[len(head) :].partition(".")
            item = rest.partition(".")[0]
            body = item[:1] + prefix + item[1:]
            return body + keys.check_digit(body) if len(body) == 13 and body.isascii() and body.isdigit() else None
    match = _LINK.fullmatch(uri)
    return match[2] if match is not None and match[1] == "01" else None


def lot_key(uri: str) -> tuple[str, str] | None:
    """The (GTIN-14, lot) that a class URI names, lot "" when it names none; None for what is no class."""
    gtin = gtin_of(uri)
    if gtin is None:
        return None
    if uri.startswith("urn:epc:class:lgtin:"):
        return gtin, unquote(uri.split(".", 2)[2])
    head, _, lot = uri.partition("/10/")
    return gtin, unquote(lot) if head else ""


def problems(event: Json) -> list[str]:
    """Everything wrong with an EPCIS event beyond its schema, one sentence each; an empty list when nothing is."""
    return [problem for check in CHECKS for problem in check(event)]


ITEM_LISTS = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
QUANTITY_LISTS = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")
LOT_LISTS = ("tally:lotQuantityList", "tally:inputLotQuantityList", "tally:outputLotQuantityList")
ERROR_REASONS = frozenset({"incorrect_data", "did_not_occur"})


def _listed(event: Json) -> list[str]:
    return [uri for name in ITEM_LISTS for uri in event.get(name, ()) if isinstance(uri, str)]


def _quantities(event: Json) -> list[Json]:
    return [item for name in QUANTITY_LISTS for item in event.get(name, ())]


def _lot_lines(event: Json) -> list[Json]:
    lists = [event.get(name, []) for name in LOT_LISTS]
    return [line for lines in lists if isinstance(lines, list) for line in lines]


def _sides(event: Json) -> Iterator[Json]:
    """A transformation counts what went in and what came out apart; every other event is one side."""
    if event.get("type") != "TransformationEvent":
        yield event
        return
    for side in ("input", "output"):
        names = {"epcList": f"{side}EPCList", "quantityList": f"{side}QuantityList"}
        names["tally:lotQuantityList"] = f"tally:{side}LotQuantityList"
        yield {name: event[theirs] for name, theirs in names.items() if theirs in event}


def _check_uris(event: Json) -> Iterator[str]:
    uris = [event[name] for name in ("parentID",) if name in event]
    uris += [uri for name in ITEM_LISTS for uri in event.get(name, ())]
    uris += [item.get("epcClass") for item in _quantities(event)]
    uris += [line["tally:epcClass"] for line in _lot_lines(event) if "tally:epcClass" in line]
    uris += [event[name].get("id") for name in ("readPoint", "bizLocation") if name in event]
    uris += [item.get("bizTransaction") for item in event.get("bizTransactionList", ())]
    uris += [item.get("source") for item in event.get("sourceList", ())]
    uris += [item.get("destination") for item in event.get("destinationList", ())]
    uris += [
        metadata["deviceID"]
        for element in event.get("sensorElementList", ())
        if "deviceID" in (metadata := element.get("sensorMetadata", {}))
    ]
    for uri in uris:
        if (problem := uri_problem(uri)) is not None:
            yield problem


def _check_duplicates(event: Json) -> Iterator[str]:
    for uri, count in Counter(_listed(event)).items():
        if count > 1:
            yield f"{uri} is listed {count} times"
    if event.get("parentID") in _listed(event):
        yield f"{event['parentID']} is its own content"
    for side in _sides(event):
        classes = Counter((item.get("epcClass"), item.get("uom")) for item in _quantities(side))
        for (epc_class, _), count in classes.items():
            if count > 1:
                yield f"quantities of {epc_class} are listed {count} times"


def _check_double_count(event: Json) -> Iterator[str]:
    """An item stands by its SGTIN or in a quantity, never in both."""
    for side in _sides(event):
        yield from _counted_twice(side)


def _counted_twice(event: Json) -> Iterator[str]:
    items = (uri for uri in _listed(event) if "sgtin" in uri or "/21/" in uri)
    listed = Counter(gtin for uri in items if (gtin := gtin_of(uri)))
    classes = {key for item in _quantities(event) if (key := lot_key(str(item.get("epcClass"))))}
    lines = _lot_lines(event)
    if "tally:lotQuantityList" not in event:
        for gtin in sorted({gtin for gtin, _ in classes} & set(listed)):
            yield f"GTIN {gtin} stands both by items and in a quantity, and nothing says which lot is which"
        return
    counted = [line for line in lines if line.get("tally:basis") == "sgtin"]
    tagged = {key for line in counted if (key := lot_key(str(line.get("tally:epcClass"))))}
    for gtin, lot in sorted(tagged & classes):
        yield f"lot {lot!r} of GTIN {gtin} is counted by tag and again in a quantity"
    trusted = [line for line in lines if line.get("tally:basis") == "class"]
    for gtin, count in sorted(listed.items()):
        amounts = _pieces(counted, gtin)
        spare = sum(_pieces(trusted, gtin))  # some of a trusted line may have been read, too
        if amounts and not sum(amounts) <= count <= sum(amounts) + spare:
            yield f"GTIN {gtin}: {count} items are listed, the lots count {sum(amounts)}"


def _pieces(lines: list[Json], gtin: str) -> list[Any]:
    """How many pieces of a product each line counts."""
    return [
        line.get("tally:quantity", 0)
        for line in lines
        if "tally:uom" not in line and gtin_of(str(line.get("tally:epcClass"))) == gtin
    ]


def _check_quantities(event: Json) -> Iterator[str]:
    for item in _quantities(event):
        quantity, uom = item.get("quantity"), item.get("uom")
        if isinstance(quantity, bool) or not isinstance(quantity, int | float) or quantity <= 0:
            yield f"quantity {quantity!r} of {item.get('epcClass')} is not a number above 0"
        if uom is not None and uom not in GOODS_UOM:
            yield f"uom {uom!r} of {item.get('epcClass')} is none of {', '.join(sorted(GOODS_UOM))}"
        if uom is None and isinstance(quantity, float) and quantity != int(quantity):
            yield f"{quantity} of {item.get('epcClass')} is a count, but not whole"


def _check_sensors(event: Json) -> Iterator[str]:
    for element in event.get("sensorElementList", ()):
        for report in element.get("sensorReport", ()):
            known = SENSOR_UOM.get(report.get("type"))
            if known is not None and report.get("uom") not in known:
                yield f"uom {report.get('uom')!r} of {report.get('type')} is not {', '.join(sorted(known))}"
            if known is None and not is_uri(str(report.get("type"))):
                yield f"measurement type {report.get('type')!r} is not one that we use"
            if known is None and ":" in str(report.get("type")) and not str(report.get("type")).startswith("http"):
                yield f"measurement type {report.get('type')!r} is a CURIE; write the bare word"
            numbers = [report[name] for name in ("minValue", "meanValue", "maxValue") if name in report]
            if numbers != sorted(numbers):
                yield f"{report.get('type')}: min, mean and max {numbers} are not in order"


def _check_words(event: Json) -> Iterator[str]:
    if event.get("type") not in TYPES:
        yield f"{event.get('type')!r} is no EPCIS event type"
    step, disposition = event.get("bizStep"), event.get("disposition")
    if step not in BIZ_STEPS:
        yield f"bizStep {step!r} is not a bare CBV word that we use"
    elif disposition not in BIZ_STEPS[step]:
        yield f"disposition {disposition!r} does not go with bizStep {step}"
    if step == "sensor_reporting" and (_listed(event) or _quantities(event)):
        yield "sensor_reporting speaks of no goods"
    if step == "sensor_reporting" and not (event.get("readPoint") and event.get("sensorElementList")):
        yield "sensor_reporting needs a readPoint and a sensorElementList"


def _check_action(event: Json) -> Iterator[str]:
    if event.get("ilmd") and event.get("action") != "ADD":
        yield f"ilmd belongs to action ADD, not {event.get('action')}"
    marks = event.get("persistentDisposition", {}).get("set", [])
    if "completeness_inferred" in marks and event.get("type") != "AggregationEvent":
        yield "completeness_inferred belongs to an AggregationEvent, which lists the contents"
    if event.get("type") == "AggregationEvent" and not event.get("parentID"):
        yield "an AggregationEvent needs its parentID"


def _check_transformation(event: Json) -> Iterator[str]:
    if event.get("type") != "TransformationEvent":
        return
    if "action" in event:
        yield "a TransformationEvent has no action"
    if not event.get("transformationID"):
        for side in ("input", "output"):
            if not event.get(f"{side}EPCList") and not event.get(f"{side}QuantityList"):
                yield f"a TransformationEvent without {side}s needs a transformationID"


def _check_declaration(event: Json) -> Iterator[str]:
    declared = event.get("errorDeclaration")
    if declared is None:
        return
    if declared.get("reason") not in ERROR_REASONS:
        yield f"error reason {declared.get('reason')!r} is none of {', '.join(sorted(ERROR_REASONS))}"
    if not _TIME.fullmatch(str(declared.get("declarationTime"))):
        yield f"declarationTime {declared.get('declarationTime')!r} is not UTC with milliseconds"
    for uri in declared.get("correctiveEventIDs", ()):
        if not _UUID.fullmatch(str(uri)):
            yield f"correctiveEventID {uri!r} is not a UUID URN"
        if uri == event.get("eventID"):
            yield f"{uri} cannot correct itself"


_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def _check_identity(event: Json) -> Iterator[str]:
    if not _UUID.fullmatch(str(event.get("eventID"))):
        yield f"eventID {event.get('eventID')!r} is not a UUID URN"
    if not _TIME.fullmatch(str(event.get("eventTime"))):
        yield f"eventTime {event.get('eventTime')!r} is not UTC with milliseconds"


CHECKS: tuple[Callable[[Json], Iterator[str]], ...] = (
    _check_identity,
    _check_words,
    _check_action,
    _check_uris,
    _check_duplicates,
    _check_double_count,
    _check_quantities,
    _check_sensors,
    _check_transformation,
    _check_declaration,
)
"""Every check, in the order its findings are given."""
