"""`ledger.json` of an export: the chain as JSON, up to the ledger head of its manifest."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.shared.exports.manifests import ledger_head
from harness.client import Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal
from harness.untrusted.spelling import by_value

WHOLE_LEDGER = "export.whole-ledger"
"""The rule that an export has the whole chain as of its request."""

CHAIN_FIELDS = ("ledger_seq", "hash", "prev_hash")
"""Without these it is not a chain."""

OTHER_FIELDS = (
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


def expect_ledger_file(
    content: bytes,
    manifest: Record,
    chain: Sequence[Record],
    *,
    required: Sequence[str] = CHAIN_FIELDS,
) -> None:
    """Fail unless `ledger.json` is the organization's chain, from 1 to the manifest's head."""
    head, _ = ledger_head(manifest)
    events = _events_in(content, chain[0], may_be_empty=head == 0)
    expect_equal(
        [event["ledger_seq"] for event in events],
        list(range(1, head + 1)),
        "ledger_seq of the events in ledger.json, up to the manifest's ledger head",
        rule=WHOLE_LEDGER,
        subject="ledger_seq",
    )
    for event, shown in zip(events, chain, strict=False):
        for name in (*required, *(name for name in OTHER_FIELDS if name in event)):
            in_api = shown.received(name)
            expect(
                (shown.contract_value(name, event.get(name)) or None) == (in_api or None),
                expected=f"{name} of event {shown['ledger_seq']} in ledger.json: {in_api!r}, as in "
                "the API",
                got=repr(event.get(name)),
                rule=WHOLE_LEDGER,
                subject=name,
            )


def _events_in(content: bytes, example: Record, *, may_be_empty: bool) -> list[Mapping[str, Any]]:
    """Give the events of a `ledger.json`. The contract does not say what they are wrapped in."""
    try:
        document = json.loads(content, object_pairs_hook=by_value)
    except (ValueError, RecursionError) as error:
        raise CheckFailed(
            expected="the chain as JSON in ledger.json",
            got=f"{content[:200]!r}: {error}",
            rule=WHOLE_LEDGER,
            subject="ledger.json",
        ) from error
    lists = list(_lists_of_events(document, example))
    expect(
        len(lists) == 1 or (may_be_empty and not lists),
        expected="the chain as JSON in ledger.json: one list of events with ledger_seq and hash",
        got=f"{len(lists)} such lists in {content[:200].decode(errors='replace')}",
        rule=WHOLE_LEDGER,
        subject="ledger.json",
    )
    return lists[0] if lists else []


def _lists_of_events(document: object, example: Record) -> Iterator[list[Mapping[str, Any]]]:
    if isinstance(document, dict):
        for value in document.values():
            yield from _lists_of_events(value, example)
    if isinstance(document, list) and document and all(isinstance(one, dict) for one in document):
        events: list[Mapping[str, Any]] = [example.dialect.contract_event(one) for one in document]
        if all({"ledger_seq", "hash"} <= set(event) for event in events):
            yield events
