"""The errors of the house. Each message is written for the person who reads it at 3 a.m.: what, where, what to do.

TallymanError
├── ConfigError      the configuration is wrong: every problem at once; exit 2
├── RecordingError   a recording or journal line cannot be used: file, line, why
├── JournalError     the journal cannot be used: another process has it, or it belongs to another gateway
├── InputError       an input cannot be journalled; it is refused at the door
├── LedgerError      the database cannot be opened, migrated or written
│   └── TurnError    the database works, but this turn cannot be entered
└── DeviceError      a device or link failed; the supervisor restarts it with back-off
    └── RefusedError the far side answered, and said no
"""

from dataclasses import dataclass


class TallymanError(Exception):
    """Base of everything this project raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration: `file:line: path: what is wrong, what would be right`."""

    file: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: {self.text}"


class ConfigError(TallymanError):
    """The configuration is wrong. `problems` holds every mistake found, in file order."""

    def __init__(self, problems: "list[Problem]") -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class RecordingError(TallymanError):
    """A line of a recording cannot be used."""

    def __init__(self, file: str, line: int, text: str) -> None:
        self.file, self.line, self.text = file, line, text
        super().__init__(f"{file}:{line}: {text}")


class JournalError(TallymanError):
    """The journal cannot be used: another process has it, or it belongs to another gateway."""


class InputError(TallymanError):
    """An input that cannot be written down; it is refused before it gets a place in the order."""


class LedgerError(TallymanError):
    """The ledger cannot be opened, migrated or written."""


class TurnError(LedgerError):
    """The database works, but this turn cannot be entered: it would be doubled, or holds what no column takes."""


class DeviceError(TallymanError):
    """A device or link failed. Its driver raises this and ends; the supervisor starts it again."""

    def __init__(self, device: str, text: str) -> None:
        self.device = device
        super().__init__(f"{device}: {text}")


class RefusedError(DeviceError):
    """The far side answered a request with an error."""
