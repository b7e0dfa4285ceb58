"""Where in a TOML text each key, table and list element stands (TOML 1.0.0).

`tomllib` gives values without positions; it stays the authority for what a document means. This walks the same text
once more and only counts lines. It is called on text that `tomllib` accepted, so it does not diagnose anything.
"""

import re
import tomllib
from bisect import bisect_left

Step = str | int
Location = tuple[Step, ...]
"""A way into the document: keys as text, list elements as 0-based integers."""

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")
# Strings, the long forms first; a multi-line string may end in up to five quotes, the last three of which close it.
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)


_DEEPEST = 16
"""Steps of a location that are kept. No setting is half as deep; a key of 100,000 dots must not fill the memory."""


def locate(text: str) -> dict[Location, int]:
    """The line (from 1) of every key, table and list element of a valid TOML text.

    A table that has a header of its own stands at that header, else where it is first mentioned.
    """
    return _Walk(text.replace("\r\n", "\n")).document()


def _inner(place: Location, step: Step) -> Location:
    return (*place, step) if len(place) < _DEEPEST else place


class _Walk:
    """One pass over the text. `at`: the position; `lines`: the answer; `counts`: elements of each [[table]] so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Location, int] = {}
        self.counts: dict[Location, int] = {}
        self.breaks = [index for index, character in enumerate(text) if character == "\n"]

    def document(self) -> dict[Location, int]:
        table: Location = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_BLANK)
        return self.lines

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"not TOML at line {self.line()}")
        self.at = match.end()
        return match.group()

    def line(self) -> int:
        return bisect_left(self.breaks, self.at) + 1

    def header(self) -> Location:
        """`[a.b]` or `[[a.b]]`: the table that the following pairs belong to."""
        line = self.line()
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        self.skip(_SPACE)
        keys = self.key()
        self.at += 2 if many else 1
        table: Location = ()
        for key in keys[:-1]:
            table = _inner(table, key)
            self.lines.setdefault(table, line)
            if table in self.counts:
                table = _inner(table, self.counts[table] - 1)
        table = _inner(table, keys[-1])
        if many:
            self.lines.setdefault(table, line)
            index = self.counts.get(table, 0)
            self.counts[table] = index + 1
            table = _inner(table, index)
        self.lines[table] = line
        return table

    def pair(self, table: Location) -> None:
        """`a.b = value`."""
        line = self.line()
        for key in self.key():
            table = _inner(table, key)
            self.lines.setdefault(table, line)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(table)

    def key(self) -> list[str]:
        """A dotted key; the position stands on what follows it and its blanks."""
        parts = []
        while True:
            if self.text[self.at] in "\"'":
                # A quoted key has the escapes of a string: the authority for values reads it.
                parts.append(str(tomllib.loads(f"key = {self.skip(_STRING)}")["key"]))
            else:
                parts.append(self.skip(_BARE))
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1
            self.skip(_SPACE)

    def value(self, place: Location) -> None:
        """Any value. Lists and inline tables come back here once per level, so nesting is no deeper than tomllib's."""
        first = self.text[self.at]
        if first in "\"'":
            self.skip(_STRING)
        elif first in "[{":
            self.at += 1
            self.skip(_BLANK)
            index = 0
            while self.text[self.at] not in "]}":
                if first == "{":
                    self.pair(place)
                else:
                    element = _inner(place, index)
                    self.lines[element] = self.line()
                    self.value(element)
                    index += 1
                self.skip(_BLANK)
                if self.text[self.at] == ",":
                    self.at += 1
                    self.skip(_BLANK)
            self.at += 1
        else:
            self.skip(_SCALAR)
