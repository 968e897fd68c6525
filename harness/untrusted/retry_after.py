"""`Retry-After` (RFC 9110, section 10.2.3): how long a server asks its clients to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}")
_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)


def is_retry_after(value: str) -> bool:
    """Whether it is what a server may send: whole seconds, or a date as HTTP writes it."""
    if _SECONDS.fullmatch(value):
        return True
    return bool(_DATE.fullmatch(value)) and http_date(value) is not None


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait; 0 for a time that is over, None where it does not ask.

    A date is compared with the answer's own `Date`: the two clocks need not agree.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until = http_date(value)
    if until is None:
        return None
    now = http_date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def http_date(value: str) -> datetime | None:
    """The moment of a date as HTTP writes it, also in the obsolete forms; None for another text."""
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
