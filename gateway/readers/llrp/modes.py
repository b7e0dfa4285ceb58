"""Reader modes by name: makers' own names, and three that any table of modes can answer."""

import re

from gateway.readers.llrp.capabilities import Capabilities, RfMode
from gateway.readers.llrp.tables_vendors import IMPINJ

MAKERS = {
    IMPINJ: {
        "MaxThroughput": 0,
        "Hybrid": 1,
        "DenseReaderM4": 2,
        "DenseReaderM8": 3,
        "MaxMiller": 4,
        "DenseReaderM4Two": 5,
        "AutoSetDenseReader": 1000,
        "AutoSetDenseReaderDeepScan": 1002,
        "AutoSetStaticFast": 1003,
        "AutoSetStaticDRM": 1004,
        "AutoSetCustom": 1005,
    }
}
"""Maker → the names its manuals and libraries give to mode identifiers.

Impinj's 0 to 4, 1000 and 1002 to 1004 stand so in two independent libraries, and are what an R420 lists. 5 is in its
manual although not every firmware lists it; 1005 is in its SDK alone. A name whose number the reader does not list is
never offered.
"""

GENERIC = ("fast", "dense", "robust")
"""The highest data rate; the highest that a dense-reader mask or Miller coding keeps apart; the most of Miller."""

_AUTOMATIC = 1000
"""From here on Impinj's modes choose by themselves, and what their rows say means nothing."""

_DENSE, _MILLER_4 = 3, 2  # C1G2SpectralMaskIndicator DI, C1G2MValue


def names(capabilities: Capabilities) -> tuple[str, ...]:
    """The names that a reader of these capabilities understands."""
    own = MAKERS.get(capabilities.manufacturer, {})
    there = [name for name, mode in own.items() if not capabilities.modes or mode in capabilities.modes]
    return (*(GENERIC if _plain(capabilities) else ()), *there)


def mode_number(wanted: int | str | None, capabilities: Capabilities) -> int | None:
    """The mode identifier meant, by number or by name (case and punctuation do not count); None: none such."""
    if wanted is None or isinstance(wanted, int):
        return wanted
    word = _letters(wanted)
    for name in names(capabilities):
        if _letters(name) == word:
            own = MAKERS.get(capabilities.manufacturer, {})
            return _generic(word, _plain(capabilities)) if name in GENERIC else own[name]
    return None


def _generic(word: str, table: list[RfMode]) -> int:
    if word == "robust":
        return min(table, key=lambda mode: (-mode.miller, mode.rate)).number
    if word == "dense":
        table = [mode for mode in table if mode.mask == _DENSE or mode.miller >= _MILLER_4] or table
    return max(table, key=lambda mode: mode.rate).number


def _plain(capabilities: Capabilities) -> list[RfMode]:
    return [mode for mode in capabilities.rf_modes if mode.number < _AUTOMATIC]


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
