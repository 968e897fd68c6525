"""A rule that an answer breaks, as a value: checks of many requests collect them."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import CheckFailed


@dataclass(frozen=True, kw_only=True)
class Breach:
    """One sentence of the contract that one answer breaks."""

    rule: str
    """Its id in `harness/findings/rules.toml`; empty for the check's own."""
    what: str
    """What is wrong with the answer, as a sentence."""
    about: str = ""
    """What of the rule, in words that are the same in every run: a header, a member, a status."""
    field: str = ""
    """The field of the answer's object that breaks it."""

    def __str__(self) -> str:
        return self.what


def breach_of(failure: CheckFailed) -> Breach:
    """Take a failure of a shared helper for a rule that the answer breaks."""
    return Breach(
        rule=failure.rule,
        what=f"expected {failure.expected}, got {failure.got}",
        about=failure.aspect,
    )


def described(breaches: Iterable[Breach]) -> str:
    """All of them in one line."""
    return "; ".join(map(str, breaches))
