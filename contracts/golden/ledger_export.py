"""The chain inside an exported ZIP, found whatever it is wrapped in."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.client import Record
from harness.client.answer import NO_DIALECT, ResourceDialect
from harness.expect import expect, expect_equal

CHAIN = "ledger.json"


def expect_chain_in(
    entries: Mapping[str, bytes], dialect: ResourceDialect = NO_DIALECT
) -> list[Mapping[str, Any]]:
    """Give the events of the exported chain; fail when there is none as JSON.

    The contract gives its name, `ledger.json`, and not what it is wrapped in.
    """
    expect(CHAIN in entries, expected=f"{CHAIN} in the ZIP", got=str(sorted(entries)))
    try:
        document = json.loads(entries[CHAIN])
    except ValueError as error:
        document = f"no JSON: {error}"
    events = _events_in(document, dialect)
    expect(
        events,
        expected=f"the chain as JSON in {CHAIN}: a list of events with ledger_seq and hash",
        got=str(document)[:300],
    )
    return events


def expect_whole_ledger(
    exported: Sequence[Mapping[str, Any]], shown: Sequence[Record], head: Record, export: Record
) -> None:
    """Fail unless an export holds the organization's ledger as of its request, all of it.

    Whether the request's own event is in it is the backend's choice; its `ledger_head` tells.
    """
    (requested,) = (
        event["ledger_seq"]
        for event in shown
        if event["target_id"] == export["id"] and event["event_name"] == "export.requested"
    )
    last = head["ledger_seq"]
    expect(
        last in {requested - 1, requested},
        expected=f"the ledger head as of the request, which is event {requested} itself",
        got=f"ledger_seq {last}",
    )
    expect_equal(
        [(event["ledger_seq"], event["hash"]) for event in exported],
        [(event["ledger_seq"], event["hash"]) for event in shown[:last]],
        f"ledger_seq and hash of the exported events, against the first {last} of the ledger",
    )
    expect_equal(exported[-1]["hash"], head["hash"], "the hash of the last exported event")
    for mine, theirs in zip(exported, shown, strict=False):
        for name in ("event_name", "target_id", "prev_hash"):
            expect_equal(
                theirs.contract_value(name, mine.get(name)) or None,
                theirs[name] or None,
                f"{name} of exported event {theirs['ledger_seq']}",
            )


def _events_in(document: object, dialect: ResourceDialect) -> list[Mapping[str, Any]]:
    if isinstance(document, list):
        if all(isinstance(each, dict) for each in document):
            filed: list[Mapping[str, Any]] = [dialect.contract_event(each) for each in document]
            if all({"ledger_seq", "hash"} <= set(each) for each in filed):
                return filed
        candidates: Sequence[object] = document
    else:
        candidates = list(document.values()) if isinstance(document, dict) else []
    for candidate in candidates:
        if found := _events_in(candidate, dialect):
            return found
    return []
