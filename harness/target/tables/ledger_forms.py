"""Other forms that `[ledger]` could declare: tried where hashes are not those of its own form."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, permutations, product
from typing import get_args

from harness.target.tables.ledger import Ledger, LinkForm, NullForm, TextForm

SEPARATORS = ("", "|", ":", "\n")
"""What stands between the parts of what is hashed."""

TIME_FORMATS = (
    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"',
    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"',
    'YYYY-MM-DD"T"HH24:MI:SS"Z"',
    'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"',
    'YYYY-MM-DD"T"HH24:MI:SS.US',
    'YYYY-MM-DD HH24:MI:SS.US"+00"',
    "YYYY-MM-DD HH24:MI:SS.US",
)
"""How times are usually written in a hashed text."""


@dataclass(frozen=True, kw_only=True)
class LedgerForm:
    """A form of the hashes, and where it differs from the declared one."""

    ledger: Ledger
    changes: Mapping[str, str]
    """By the key of `[ledger]`: what it would have to say."""

    @property
    def lines(self) -> str:
        """What to write."""
        return ", ".join(f"{key} = {_toml(value)}" for key, value in self.changes.items())


def other_forms(declared: Ledger) -> list[list[LedgerForm]]:
    """Give every other form: those that differ in one key, then those that differ in two, …

    Of few events several may be true; the first ones are enough. Each hashes what the declared
    one does: the members of the text, the link and the salt.
    """
    choices: Mapping[str, Iterable[str]] = {
        "form": get_args(TextForm),
        "nulls": get_args(NullForm),
        "prev_hash_as": get_args(LinkForm),
        "hashed": _hashed(declared),
        "created_at_format": TIME_FORMATS,
    }
    now = {key: str(getattr(declared, key)) for key in choices}
    changes = (
        {key: value for key, value in zip(choices, chosen, strict=True) if value != now[key]}
        for chosen in product(
            *(dict.fromkeys((now[key], *values)) for key, values in choices.items())
        )
    )
    ordered = sorted(filter(None, changes), key=len)
    return [
        [LedgerForm(ledger=declared.model_copy(update=each), changes=each) for each in equal]
        for _, equal in groupby(ordered, key=len)
    ]


def _hashed(declared: Ledger) -> Iterator[str]:
    """The declared one's parts in every order, with the usual texts between them."""
    parts = [each for each in ("{canonical}", "{prev_hash}", "{salt}") if each in declared.hashed]
    for between, order in product(SEPARATORS, permutations(parts)):
        yield between.join(order)


def _toml(text: str) -> str:
    """A text as TOML: a literal one where it has quotes or a backslash."""
    if "\n" in text:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return f"'{text}'" if {'"', "\\"} & {*text} else f'"{text}"'
