"""Conventions of every answer: times are RFC 3339 in UTC, `Retry-After` is seconds or a date."""

import re
from datetime import UTC, datetime, timedelta

from harness.client import Answer, Record
from harness.errors import CheckFailed
from harness.expect import expect
from harness.untrusted.retry_after import is_retry_after

CLOCK_TOLERANCE = timedelta(minutes=30)
"""Clocks may differ; a wrong time zone makes a larger difference."""

TIMES = "answer.times"
"""The rule that every time keeps."""

RFC_3339_UTC = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]00:00)")


def field_of(record: Record, name: str) -> str:
    """Name a field and where it was read, as the subject of a finding."""
    return f"{name} in {record.source.removeprefix('the answer to ')}"


def time_of(record: Record, name: str) -> datetime:
    """Read a time; fail unless it is RFC 3339 in UTC."""
    value = record[name]
    expect(
        isinstance(value, str) and RFC_3339_UTC.fullmatch(value),
        expected=f"{name} in {record.source} as RFC 3339 in UTC",
        got=repr(value),
        rule=TIMES,
        subject=field_of(record, name),
    )
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError as error:
        raise CheckFailed(
            expected=f"a valid time as {name}",
            got=repr(value),
            rule=TIMES,
            subject=field_of(record, name),
        ) from error


def expect_recent(record: Record, name: str) -> None:
    """Fail unless a time is about now."""
    expect(
        abs(time_of(record, name) - datetime.now(UTC)) < CLOCK_TOLERANCE,
        expected=f"the current time as {name} in {record.source}",
        got=record[name],
        rule=TIMES,
        subject=field_of(record, name),
    )


def expect_retry_after(answer: Answer, what: str) -> None:
    """Fail unless an answer says when to ask again, on a backend that says so at all."""
    if answer.lacks_header("retry-after"):
        return
    expect(
        is_retry_after(answer.headers.get("retry-after", "")),
        expected=f"Retry-After, whole seconds or a date of HTTP, with {what}",
        got=f"{answer.headers.get('retry-after')!r} with {answer.describe()}",
        rule="header.retry-after",
        subject=f"{answer.operation_id} {answer.status}",
    )
