"""`ledger.json` of an export: the chain as JSON, up to the ledger head of its manifest."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from contracts.shared.exports.manifests import ledger_head
from harness.client import Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal

ALWAYS = ("ledger_seq", "hash", "prev_hash")
"""Without these it is no chain."""

WHERE_SHOWN = (
    "id",
    "organization_id",
    "actor_id",
    "event_name",
    "target_type",
    "target_id",
    "metadata",
    "salt_key_id",
    "canonical_version",
)
"""What must be the same as over HTTP where the file has it under this name."""


def events_in(content: bytes) -> list[dict[str, Any]]:
    """Give the events of a `ledger.json`: a list, or the one list of objects in an object."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CheckFailed(
            expected="the chain as JSON in ledger.json", got=f"{content[:200]!r}: {error}"
        ) from error
    lists = [document] if isinstance(document, list) else []
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list)]
    if len(lists) != 1 or not all(isinstance(event, dict) for event in lists[0]):
        raise CheckFailed(
            expected="one list of events in ledger.json",
            got=content[:200].decode(errors="replace"),
        )
    events: list[dict[str, Any]] = lists[0]
    return events


def expect_ledger_file(content: bytes, manifest: Record, chain: Sequence[Record]) -> None:
    """Fail unless `ledger.json` is the organization's chain, from 1 to the manifest's head."""
    head, _ = ledger_head(manifest)
    filed = [chain[0].dialect.contract_event(event) for event in events_in(content)]
    expect_equal(
        [event.get("ledger_seq") for event in filed],
        list(range(1, head + 1)),
        "the ledger_seq of the events in ledger.json, which ends at the manifest's ledger head",
    )
    for event, shown in zip(filed, chain, strict=False):
        _expect_same(event, shown)


def _expect_same(event: Mapping[str, Any], shown: Record) -> None:
    for name in (*ALWAYS, *(name for name in WHERE_SHOWN if name in event)):
        wanted = shown.received(name)
        expect(
            (shown.contract_value(name, event.get(name)) or None) == (wanted or None),
            expected=f"{name} {wanted!r} of event {shown['ledger_seq']} in ledger.json, "
            "as the API shows it",
            got=repr(event.get(name)),
        )
