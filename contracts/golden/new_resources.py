"""What the answer with a new resource must be, cell by cell: headers, fields, Location."""

from collections.abc import Mapping

from contracts.golden.fields import Kind, expect_field
from contracts.shared.resources.conventions import expect_recent, field_of
from harness.client import Answer, Client, Record
from harness.expect import expect, expect_equal, expect_status
from harness.findings.exchanges import recall
from harness.plugin.cells import Cells


def expect_json(answer: Answer) -> None:
    """Fail unless a JSON answer has the Content-Type of JSON."""
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    expect(
        media_type == "application/json",
        expected=f"Content-Type application/json from {answer.operation_id}",
        got=f"{media_type!r} with {answer.describe()}",
        rule="header.content-type",
        subject=answer.operation_id,
    )


def expect_echo(answer: Answer, request_id: str) -> None:
    """Fail unless the answer carries a request id: the one that the client sent, if it did."""
    answer.needs_header("x-request-id")
    sent = f" {request_id!r}, as sent," if request_id else ""
    expect(
        answer.request_id and request_id in {"", answer.request_id},
        expected=f"X-Request-ID{sent} from {answer.operation_id}",
        got=repr(answer.request_id),
        detail=answer.describe(),
        rule="header.request-id",
        subject=answer.operation_id,
    )


async def look_at_headers(
    cells: Cells, answer: Answer, *, request_id: str = "", is_json: bool = True, **where: str
) -> None:
    """Judge the headers that every answer has, a cell each."""
    if is_json:
        async with cells.of(operation=answer.operation_id, header="Content-Type", **where):
            recall(answer.exchange)
            expect_json(answer)
    async with cells.of(operation=answer.operation_id, header="X-Request-ID", **where):
        recall(answer.exchange)
        expect_echo(answer, request_id)


async def look_at_new(
    cells: Cells,
    answer: Answer,
    fields: Mapping[str, Kind],
    expected: Mapping[str, object],
    *,
    rule: str = "",
    **where: str,
) -> None:
    """Judge the fields of a resource that was just made, a cell each.

    `expected` has the values of some of them; `rule` is what another value breaks.
    """
    for name, kind in fields.items():
        async with cells.of(operation=answer.operation_id, field=name, **where):
            recall(answer.exchange)
            record = answer.data
            record.needs(name)
            expect_field(record, name, kind)
            if name in expected:
                what = f"{name} in {record.source}"
                subject = field_of(record, name)
                expect_equal(record[name], expected[name], what, rule=rule, subject=subject)
            if name == "created_at":
                expect_recent(record, name)


async def look_at_location(
    cells: Cells, client: Client, answer: Answer, *, changes: bool = False, **where: str
) -> None:
    """Judge what the `Location` of an answer leads to: the same data, or ID where it `changes`."""
    async with cells.of(operation=answer.operation_id, header="Location", **where):
        recall(answer.exchange)
        rule, subject = "header.location", answer.operation_id
        shown = expect_status(await client.follow(answer), 200, rule=rule, subject=subject)
        what = f"data at the Location of {subject}"
        got, made = shown.data, answer.data
        if changes:
            got, made = Record(id=got["id"]), Record(id=made["id"])
        expect_equal(got, made, what, rule=rule, subject=subject)


def expect_same(shown: Record, made: Record, operation_id: str) -> None:
    """Fail unless an operation shows a resource as the one that made it did."""
    what = f"data of the new resource from {operation_id}"
    expect_equal(shown, made, what, rule="answer.consistent", subject=operation_id)
