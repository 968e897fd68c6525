"""The history of a run: all that the verdicts of drills and of loads rest on, as JSON lines."""

from harness.history.entries import CRASH, AnyEntry, Entry, EntryType, Operation
from harness.history.reader import (
    DamagedHistory,
    ForeignHistory,
    HistoryReader,
    read_history,
    read_whole_history,
)
from harness.history.writer import HistoryWriter

HistoryEntry = Operation
"""The name that own checks know an operation by."""

__all__ = [
    "CRASH",
    "AnyEntry",
    "DamagedHistory",
    "Entry",
    "EntryType",
    "ForeignHistory",
    "HistoryEntry",
    "HistoryReader",
    "HistoryWriter",
    "Operation",
    "read_history",
    "read_whole_history",
]
