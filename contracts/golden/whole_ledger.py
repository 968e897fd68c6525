"""The ledger in an export: the whole chain as of its request."""

from contracts.shared.ledger.ledger_file import CHAIN_FIELDS, WHOLE_LEDGER, expect_ledger_file
from contracts.shared.resources.rule_ids import EVENT_ONCE, EVENT_WRITTEN
from harness.client import Record
from harness.expect import expect, expect_equal
from harness.vocabulary.events import EXPORT_REQUESTED


def expect_whole_ledger(entries: dict[str, bytes], export: Record, events: list[Record]) -> None:
    """Fail unless an export holds the organization's whole ledger as of its request.

    The request's own event may be in it or not, as its `ledger_head` says.
    """
    requests = [
        event["ledger_seq"]
        for event in events
        if event["target_id"] == export["id"] and event["event_name"] == EXPORT_REQUESTED
    ]
    what = "number of export.requested events of a ready export"
    rule = EVENT_ONCE if requests else EVENT_WRITTEN
    expect_equal(len(requests), 1, what, rule=rule, subject=EXPORT_REQUESTED)
    (requested,) = requests
    last = export["manifest"]["ledger_head"]["ledger_seq"]
    expect(
        last in {requested - 1, requested},
        expected=f"ledger_head as of the request, which is event {requested}",
        got=f"ledger_seq {last}",
        rule=WHOLE_LEDGER,
        subject="ledger_head",
    )
    expect(
        "ledger.json" in entries,
        expected="ledger.json in the ZIP",
        got=str(sorted(entries)),
        rule=WHOLE_LEDGER,
        subject="ledger.json",
    )
    required = (*CHAIN_FIELDS, "event_name", "target_id")
    expect_ledger_file(entries["ledger.json"], export["manifest"], events, required=required)
    head = export["manifest"]["ledger_head"]["hash"]
    what = "hash in ledger_head, of the last exported event"
    expect_equal(head, events[last - 1]["hash"], what, rule=WHOLE_LEDGER, subject="ledger_head")
