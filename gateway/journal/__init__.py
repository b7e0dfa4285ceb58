"""The append-only input log: written before anything is acted on, read to recover and to replay."""

from gateway.journal.ahead import GROUP_LIMIT, Ahead
from gateway.journal.crashes import Crashes
from gateway.journal.journal import Journal, Record

__all__ = ["GROUP_LIMIT", "Ahead", "Crashes", "Journal", "Record"]
