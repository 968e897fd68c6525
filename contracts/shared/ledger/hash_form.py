"""What is hashed of an event: the contract's text, or the one that a target file describes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from contracts.shared.ledger.canonical_json import JsonValue, canonical_text, compact_text
from harness.expect import expect
from harness.target.sql.hashed_text import hashed_bytes
from harness.target.tables.ledger import HASHED, Ledger


@dataclass(frozen=True, kw_only=True)
class HashForm:
    """How an event is written as text, and what is hashed of that text."""

    members: Mapping[str, str] = field(default_factory=lambda: {name: name for name in HASHED})
    """By the contract's name of a column: the member's name in the text."""
    constants: Mapping[str, JsonValue] = field(default_factory=dict)
    null: JsonValue = ""
    """What stands in the text for NULL."""
    pretty: bool = True
    """Whether the text is `jsonb_pretty`'s, else that of a `jsonb` cast to text."""
    template: str = "{canonical}{prev_hash}{salt}"
    link: str = "hex"
    """How the hash before is written: `hex`, `\\x` before it, or its `bytes`."""

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """What a target file declares."""
        return cls(
            members={str(column): name for column, name in ledger.members.items()},
            constants={name: _json(value) for name, value in ledger.constants.items()},
            null="" if ledger.nulls == "empty" else None,
            pretty=ledger.form == "jsonb_pretty",
            template=ledger.hashed,
            link=ledger.prev_hash_as,
        )

    def covers(self, column: str) -> bool:
        """Whether the hash depends on a column, by its name in the contract."""
        return column in self.members or (column == "prev_hash" and "{prev_hash}" in self.template)

    def canonical(self, event: Mapping[str, JsonValue]) -> str:
        """The text of an event, whose columns have the contract's names; None is NULL."""
        document = dict(self.constants)
        for column, name in self.members.items():
            value = event.get(column)
            document[name] = self.null if value is None else value
        return canonical_text(document) if self.pretty else compact_text(document)

    def hashed(self, canonical: str, prev_hash: str, salt: str) -> bytes:
        """The bytes that are hashed; `prev_hash` is in hex, or what the first event has."""
        return hashed_bytes(
            canonical, prev_hash, salt, template=self.template, prev_hash_as=self.link
        )


CONTRACT_FORM = HashForm()

COVERS = "ledger.hash-covers"
"""The rule that a hash depends on all that its event says."""

SAID = tuple(name for name in HASHED if name != "ledger_seq")
"""The columns that say what happened. An event's place may be known by its link alone."""


def expect_covered(form: HashForm, column: str) -> None:
    """Fail unless the hash depends on a column, by its name in the contract."""
    expect(
        form.covers(column),
        expected=f"{column} of an event in what is hashed of it",
        got="[ledger.names] says that it is left out: no verification sees a change of it",
        rule=COVERS,
        subject=column,
    )


def _json(value: Any) -> JsonValue:  # noqa: ANN401 - what a TOML file may say
    """A constant of a target file as PostgreSQL reads it."""
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    return value if isinstance(value, bool | str) else Decimal(int(value))
