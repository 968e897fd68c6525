"""The ledger in an export: the whole chain as of its request."""

from contracts.shared.exports.archive import Entries
from contracts.shared.exports.manifests import place_of_head
from contracts.shared.ledger.ledger_file import CHAIN_FIELDS, WHOLE_LEDGER, expect_ledger_file
from contracts.shared.resources.rule_ids import EVENT_ONCE, EVENT_WRITTEN
from harness.client import Record
from harness.expect import expect, expect_equal
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape
from harness.vocabulary.events import EXPORT_REQUESTED


def expect_whole_ledger(
    entries: Entries,
    export: Record,
    events: list[Record],
    shape: ChainShape = CONTRACT_CHAIN,
) -> None:
    """Fail unless an export holds the organization's whole ledger as of its request.

    The request's own event may be in it or not, as its `ledger_head` says.
    """
    requests = [
        place
        for place, event in enumerate(events, 1)
        if event["target_id"] == export["id"] and event["event_name"] == EXPORT_REQUESTED
    ]
    what = "number of export.requested events of a ready export"
    rule = EVENT_ONCE if requests else EVENT_WRITTEN
    expect_equal(len(requests), 1, what, rule=rule, subject=EXPORT_REQUESTED)
    (requested,) = requests
    last = place_of_head(export["manifest"], events, shape)
    expect(
        last in {requested - 1, requested},
        expected=f"ledger_head as of the request, which is event {requested}",
        got=f"event {last}",
        rule=WHOLE_LEDGER,
        subject="ledger_head",
    )
    entries.needs_ledger_file()
    expect(
        "ledger.json" in entries,
        expected="ledger.json in the ZIP",
        got=str(sorted(entries)),
        rule=WHOLE_LEDGER,
        subject="ledger.json",
    )
    required = (*CHAIN_FIELDS, "event_name", "target_id")
    expect_ledger_file(
        entries["ledger.json"], export["manifest"], events, required=required, shape=shape
    )
    head = export["manifest"]["ledger_head"]["hash"]
    what = "hash in ledger_head, of the last exported event"
    expect_equal(head, events[last - 1]["hash"], what, rule=WHOLE_LEDGER, subject="ledger_head")
