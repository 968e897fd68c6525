"""What holds for every answer: ids are UUIDs, times are RFC 3339 in UTC, requests have an id."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from harness.client import Answer, Record
from harness.errors import CheckFailed
from harness.expect import expect

CLOCK_TOLERANCE = timedelta(minutes=30)
"""Clocks may differ; a time zone that was taken for another differs by more."""

_RFC_3339_UTC = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]00:00)")


def expect_conventions(answer: Answer, *, ids: Iterable[str], moments: Iterable[str]) -> None:
    """Fail unless the answer has a request id, and these fields of its data are as agreed.

    `ids` must be UUIDs, `moments` times of just now.
    """
    expect(
        answer.request_id,
        expected=f"X-Request-ID on every response, also of {answer.operation_id}",
        got=answer.describe(),
    )
    for name in ids:
        expect_uuid(answer.data, name)
    for name in moments:
        expect_recent(answer.data, name)


def expect_uuid(record: Record, name: str) -> None:
    """Fail unless a field is a UUID."""
    try:
        UUID(record[name])
    except (ValueError, AttributeError, TypeError) as error:
        raise CheckFailed(
            expected=f"{name} in {record.source} to be a UUID", got=repr(record[name])
        ) from error


def time_of(record: Record, name: str) -> datetime:
    """Read a time; fail unless it is RFC 3339 in UTC."""
    value = record[name]
    expect(
        isinstance(value, str) and _RFC_3339_UTC.fullmatch(value),
        expected=f"{name} in {record.source} as RFC 3339 in UTC",
        got=repr(value),
    )
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError as error:
        raise CheckFailed(expected=f"{name} to be a time", got=repr(value)) from error


def expect_recent(record: Record, name: str) -> None:
    """Fail unless a time is about now."""
    instant = time_of(record, name)
    expect(
        abs(instant - datetime.now(UTC)) < CLOCK_TOLERANCE,
        expected=f"{name} in {record.source} to be about now",
        got=record[name],
    )
