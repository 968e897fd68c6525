"""Fail where data changed that should be unchanged."""

from collections.abc import Mapping
from typing import Any

from harness.errors import CheckFailed

_MISSING = object()


def expect_unchanged(
    got: Mapping[str, object], before: Mapping[str, object], *, after: str
) -> None:
    """Fail with the first difference; `after` says what happened in between."""
    for what in (*before, *(name for name in got if name not in before)):
        found = first_difference(before.get(what, _MISSING), got.get(what, _MISSING))
        if found is not None:
            where, was, now = found
            place = f"{what} at {where}" if where else what
            raise CheckFailed(
                expected=f"{place} unchanged: {_shown(was)}",
                got=_shown(now),
                detail=f"after {after}",
                rule="tenancy.foreign-unchanged",
                subject=what,
                aspect="unchanged",
            )


def first_difference(before: Any, now: Any, where: str = "") -> tuple[str, Any, Any] | None:  # noqa: ANN401
    """The place of the first difference and both values; None if there is none."""
    if before == now:
        return None
    if isinstance(before, list) and isinstance(now, list):
        before, now = dict(enumerate(before)), dict(enumerate(now))
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in (*before, *(name for name in now if name not in before)):
            was, is_now = before.get(name, _MISSING), now.get(name, _MISSING)
            if (found := first_difference(was, is_now, f"{where}/{name}")) is not None:
                return found
    return where, before, now


def _shown(value: object) -> str:
    return "(nothing)" if value is _MISSING else repr(value)[:300]
