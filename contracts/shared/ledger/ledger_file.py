"""`ledger.json` of an export: the chain as JSON, up to the ledger head of its manifest."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.shared.exports.manifests import place_of_head
from harness.client import Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape
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
    shape: ChainShape = CONTRACT_CHAIN,
) -> None:
    """Fail unless `ledger.json` is the organization's chain, from 1 to the manifest's head."""
    head = place_of_head(manifest, chain, shape)
    events = _events_in(content, chain[0], shape, may_be_empty=head == 0)
    of = "ledger_seq" if shape.is_numbered else "hash"
    numbers = range(1, head + 1)
    expect_equal(
        [event.get(of) for event in events],
        list(numbers) if shape.is_counted else [event[of] for event in chain[:head]],
        f"{of} of the events in ledger.json, up to the manifest's ledger head",
        rule=WHOLE_LEDGER,
        subject=of,
    )
    left_out = () if shape.is_numbered else ("ledger_seq",)
    for event, shown in zip(events, chain, strict=False):
        for name in (*required, *(name for name in OTHER_FIELDS if name in event)):
            if name in left_out:
                continue
            in_api = shown.received(name)
            expect(
                (shown.contract_value(name, event.get(name)) or None) == (in_api or None),
                expected=f"{name} of event {shown.get('ledger_seq', shown['hash'])} in "
                f"ledger.json: {in_api!r}, as in the API",
                got=repr(event.get(name)),
                rule=WHOLE_LEDGER,
                subject=name,
            )


def _events_in(
    content: bytes, example: Record, shape: ChainShape, *, may_be_empty: bool
) -> list[Mapping[str, Any]]:
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
    lists = list(_lists_of_events(document, example, _shown_by(shape)))
    expect(
        len(lists) == 1 or (may_be_empty and not lists),
        expected="the chain as JSON in ledger.json: one list of events with "
        f"{' and '.join(_shown_by(shape))}",
        got=f"{len(lists)} such lists in {content[:200].decode(errors='replace')}",
        rule=WHOLE_LEDGER,
        subject="ledger.json",
    )
    return lists[0] if lists else []


def _shown_by(shape: ChainShape) -> tuple[str, str]:
    """The fields by which a list is known as a chain."""
    return ("ledger_seq", "hash") if shape.is_numbered else ("prev_hash", "hash")


def _lists_of_events(
    document: object, example: Record, shown_by: tuple[str, str]
) -> Iterator[list[Mapping[str, Any]]]:
    if isinstance(document, dict):
        for value in document.values():
            yield from _lists_of_events(value, example, shown_by)
    if isinstance(document, list) and document and all(isinstance(one, dict) for one in document):
        events: list[Mapping[str, Any]] = [example.dialect.contract_event(one) for one in document]
        if all(set(shown_by) <= set(event) for event in events):
            yield events
