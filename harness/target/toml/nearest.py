"""What to say of a name that is not known: the nearest one, or all where they are few."""

import difflib
from collections.abc import Iterable

SHOWN = 20
"""A list of more names is no message."""


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean …?)` for a name that is much like a known one, else nothing."""
    by_lower = {each.lower(): each for each in sorted(known)}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f" (did you mean {by_lower[close[0]]}?)" if close else ""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is unknown, and what was expected instead."""
    names = sorted(known)
    listed = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    hint = nearest(name, names)
    expected = "" if hint and len(names) > SHOWN else f"; expected one of {listed}"
    return f"unknown {what} {name!r}{expected}{hint}"
