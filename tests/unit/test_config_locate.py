"""The locator: the line of everything in a TOML text, checked against what tomllib finds in the same text."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.locate import Location, locate

DOCUMENT = '''# a comment with [brackets] and "quotes
title = "one # two"   # three
a.b.c = 1
a.b."d.e" = 2

[ table . "quo\\"ted" ]   # header
  key = 1979-05-27 07:32:00
long = """
one "two" [three]
four""\\"five"""
raw = \'\'\'
it's = [
''\'\'\'
after = true
list = [ 1,  # one
  2, [ "x",
    "]", ],
  # nothing here
  { name = "n", deep = { er = [ 1 ] } },
  {},
]

[[many]]
id = 1
[many.inner]
x = 1
[[many.more]]
y = 1
[[many.more]]
y = 2

[[many]]
id = 2
[[many.more]]
y = 3
[later.table]
[later]
z = \'literal\'
five = """a"""""
"" = 0
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("title",), 2),
        (("a",), 3),
        (("a", "b"), 3),
        (("a", "b", "d.e"), 4),
        (("table",), 6),
        (("table", 'quo"ted'), 6),
        (("table", 'quo"ted', "key"), 7),
        (("table", 'quo"ted', "long"), 8),
        (("table", 'quo"ted', "raw"), 11),
        (("table", 'quo"ted', "after"), 14),
        (("table", 'quo"ted', "list", 0), 15),
        (("table", 'quo"ted', "list", 1), 16),
        (("table", 'quo"ted', "list", 2, 0), 16),
        (("table", 'quo"ted', "list", 2, 1), 17),
        (("table", 'quo"ted', "list", 3, "deep", "er", 0), 19),
        (("table", 'quo"ted', "list", 4), 20),
        (("many",), 23),
        (("many", 0, "id"), 24),
        (("many", 0, "inner", "x"), 26),
        (("many", 0, "more", 1, "y"), 30),
        (("many", 1), 32),
        (("many", 1, "more", 0), 34),
        (("later", "table"), 36),
        (("later",), 37),
        (("later", "z"), 38),
        (("later", "five"), 39),
        (("later", ""), 40),
    ],
    ids=str,
)
def test_each_place_of_a_hand_made_document_has_its_line(place: Location, line: int) -> None:
    """Keys, dotted keys, headers, [[tables]], list elements and inline tables stand where an editor shows them."""
    assert locate(DOCUMENT)[place] == line
    assert locate(DOCUMENT.replace("\n", "\r\n"))[place] == line


def places(value: Any, place: Location = ()) -> set[Location]:
    """Every place of a parsed document."""
    found = {place} if place else set()
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, element in inner:
        found |= places(element, (*place, step))
    return found


def test_the_hand_made_document_has_no_other_places() -> None:
    """The locator finds exactly the places that tomllib finds."""
    assert set(locate(DOCUMENT)) == places(tomllib.loads(DOCUMENT))


def test_a_key_of_many_dots_is_cut_not_kept() -> None:
    """Places deeper than any setting are not kept, so that a hostile key cannot fill the memory."""
    assert max(map(len, locate("a." * 5000 + "a = 1"))) == 16


def test_nothing_is_in_an_empty_text() -> None:
    """Texts without a key have no places, with or without a last line break."""
    assert locate("") == locate("# only this") == locate("\n\n") == {}


# ------------------------------------------------------------------------------------------- generated documents

KEYS = st.sampled_from(["a", "b", "c-d", "1", '"a"', "'x.y'", '"\\u00e9"', '"[q]"', "'#'", '""'])
SCALARS = st.sampled_from(
    [
        "1", "-2.5", "true", "1979-05-27 07:32:00Z", '"text"', "'lit'", '""', "''", '"a\\"]# b"', "'}\"'",
        '"""x\n"y" ]"""', "'''z\n''[ '''", '"""e\\\n  f"""', '"""""g"""""', "''''h'''''", '"""\\""""',
    ]
)  # fmt: skip
GAPS = st.sampled_from(["", " ", "\n", ' # [,]}"\n', "\n\n  "])


@st.composite
def lists(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """A list over several lines with comments in it."""
    items = draw(st.lists(inner, max_size=3))
    text = "["
    for item in items:
        text += draw(GAPS) + item + draw(GAPS) + ","
    return text + draw(GAPS) + "]"


def inline(items: dict[str, str]) -> str:
    """An inline table."""
    return "{ " + ", ".join(f"{key} = {value}" for key, value in items.items()) + " }"


VALUES = st.recursive(
    SCALARS, lambda inner: lists(inner) | st.dictionaries(KEYS, inner, max_size=3).map(inline), max_leaves=8
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Headers and pairs in any order; not all of them valid."""
    text = draw(GAPS)
    for _ in range(draw(st.integers(0, 5))):
        keys = draw(st.sampled_from([".", " . "])).join(draw(st.lists(KEYS, min_size=1, max_size=3)))
        shape = draw(st.sampled_from(["[{}]", "[[{}]]", "[ {} ]", "[[ {}\t]]", "{} = 1"]))
        text += shape.format(keys) + draw(st.sampled_from(["\n", " # ]]\n", "\r\n"]))
        for key, value in draw(st.dictionaries(KEYS, VALUES, max_size=3)).items():
            text += f"  {key}={value}" + draw(st.sampled_from(["\n", "\t# = [\n", "\r\n"])) + draw(GAPS) + "\n"
    return text


@given(documents())
def test_it_finds_what_tomllib_finds(text: str) -> None:
    """In every document that tomllib accepts the locator finds the same places, each on a line that exists."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = locate(text)
    assert set(found) == places(document)
    assert all(1 <= line <= text.count("\n") + 1 for line in found.values())


@given(st.lists(st.tuples(KEYS, VALUES, st.integers(0, 3)), unique_by=lambda pair: pair[0], max_size=6))
def test_a_key_stands_on_the_line_it_was_written_on(pairs: list[tuple[str, str, int]]) -> None:
    """The line of a key is one more than the line breaks before it."""
    text, expected = "", {}
    for key, value, blank in pairs:
        text += "\n" * blank
        expected[next(iter(tomllib.loads(f"{key} = 0")))] = text.count("\n") + 1
        text += f"{key} = {value}\n"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # "a" and a are one key
    found = locate(text)
    assert {key: found[key,] for key in expected} == expected
