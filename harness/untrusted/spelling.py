"""Values with several right spellings: what is compared is the value, what is sent is the text.

A UUID in capitals is the same UUID, `Z` is `+00:00`, `207.0` is a whole number. Reading a
document makes them equal, so that no check has to think of it.
"""

import re
from datetime import UTC, datetime
from typing import Any

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_UUID_LENGTH = 36
_TIME_LENGTHS = range(
    len("2026-01-02T03:04:05Z"), len("2026-01-02T03:04:05.123456789012+00:00") + 1
)

MAX_EXACT = 2**53
"""From here on a number that is no integer in its text need not be the one that was meant."""


class Spelled(str):
    """A UUID or a time in an unusual spelling: equal to every other spelling of its value.

    As a text, in a request or a message, it is what the backend wrote.
    """

    __slots__ = ("usual",)

    usual: str
    """The usual spelling of its value."""

    def __new__(cls, text: str, usual: str) -> "Spelled":  # noqa: D102 - a text and its value
        made = super().__new__(cls, text)
        made.usual = usual
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and usual_spelling(other) == self.usual

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.usual)

    def __str__(self) -> str:
        return self

    def __repr__(self) -> str:
        return str.__repr__(self)

    def __reduce__(self) -> tuple[type["Spelled"], tuple[str, str]]:
        return Spelled, (str.__str__(self), self.usual)


def usual_spelling(text: str) -> str:
    """Give the usual spelling of a UUID (small letters) or a time (UTC, `Z`, no zeros at the end).

    Every other text comes back as it is.
    """
    if isinstance(text, Spelled):
        return text.usual
    if len(text) == _UUID_LENGTH and _UUID.fullmatch(text):
        return text.lower()
    if len(text) in _TIME_LENGTHS and (found := _TIME.fullmatch(text)):
        day, clock, fraction, offset = found.groups()
        if offset not in {"Z", "z", "+00:00", "-00:00"}:
            try:
                moved = datetime.fromisoformat(f"{day}T{clock}{offset}").astimezone(UTC)
            except (ValueError, OverflowError):
                return text
            day, _, clock = moved.replace(tzinfo=None).isoformat().partition("T")
        fraction = (fraction or "").rstrip("0")
        return f"{day}T{clock}{f'.{fraction}' if fraction else ''}Z"
    return text


def compared_by_value(value: Any) -> Any:  # noqa: ANN401 - JSON in and out
    """Give a text, or a list with texts, that equals every other spelling of its values."""
    if type(value) is str:
        usual = usual_spelling(value)
        return value if usual == value else Spelled(value, usual)
    if type(value) is list:
        return [compared_by_value(each) for each in value]
    return value


def by_value(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object whose values are compared, not spelled: `object_pairs_hook` of `json`."""
    return {name: compared_by_value(value) for name, value in members}


def number_of(text: str) -> int | float:
    """Read a number with a fraction or an exponent; a whole one is an `int` again."""
    number = float(text)
    if number.is_integer() and abs(number) < MAX_EXACT:
        return int(number)
    return number
