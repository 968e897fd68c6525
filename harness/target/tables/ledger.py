"""`[ledger]`: the hash-chained table of events, known well enough to recompute its hashes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, SecretStr

from harness.target.tables.models import Names, Table

Numbering = Literal["per-organization", "global", "gaps", "none"]
"""How events are numbered: 1, 2, 3 … in each organization; from one sequence for all of them; in
each organization with gaps; or not at all."""

TextForm = Literal["jsonb_pretty", "jsonb"]
NullForm = Literal["empty", "null"]
LinkForm = Literal["hex", "\\x", "bytes"]

HashedMember = Literal[
    "id",
    "ledger_seq",
    "organization_id",
    "actor_id",
    "event_name",
    "target_type",
    "target_id",
    "created_at",
    "metadata",
    "prev_hash",
    "salt_key_id",
    "canonical_version",
]
"""What the hashed text may hold of an event, by the contract's names of the columns."""

HASHED: tuple[HashedMember, ...] = (
    "ledger_seq",
    "organization_id",
    "actor_id",
    "event_name",
    "target_type",
    "target_id",
    "created_at",
    "metadata",
)
"""What the contract's text holds, by names that are the same."""

OPTIONAL_LEDGER_COLUMNS = (
    "ledger_seq",
    "actor_id",
    "target_type",
    "salt_key_id",
    "canonical_version",
)
"""Columns that a ledger may be without."""

NO_KEY = ""
"""The key id of the salt of hashes that have none."""


def _no_salts(value: object) -> object:
    """Accept `salts = false` for hashes without a salt."""
    if isinstance(value, Mapping) and not value:
        raise ValueError("empty; expected salts by their key ids, or false: hashes without a salt")
    return {} if value is False else value


class LedgerColumns(Table):
    """What the columns of the ledger are called here, by their name in the contract."""

    id: str = "id"
    organization_id: str = "organization_id"
    ledger_seq: str = "ledger_seq"
    actor_id: str = "actor_id"
    event_name: str = "event_name"
    target_type: str = "target_type"
    target_id: str = "target_id"
    created_at: str = "created_at"
    metadata: str = "metadata"
    prev_hash: str = "prev_hash"
    hash: str = "hash"
    salt_key_id: str = "salt_key_id"
    canonical_version: str = "canonical_version"


class Ledger(Table):
    """The hash-chained ledger, well enough known to recompute its hashes."""

    table: str = "audit_logs"
    columns: LedgerColumns = LedgerColumns()
    salts: Annotated[
        Mapping[str, SecretStr],
        BeforeValidator(_no_salts, json_schema_input_type=Mapping[str, str] | Literal[False]),
    ] = Field(default={})
    """Secret salts by key id; the first is the one that new events get. In the file `false`, here
    empty: the hashes have no salt. Not needed where no role can read the table."""
    sequence: Numbering = "per-organization"
    order_by: Names | None = None
    """For events without numbers: the columns, by the table's own names, that order them."""
    genesis: str = ""
    """What the first event of a chain has as `prev_hash`; empty: NULL or an empty text."""
    names: Mapping[HashedMember, str] = Field(default={})
    """By the contract's name of a column: the member's name in the hashed text; empty for one that
    is not in it."""
    constants: Mapping[str, Any] = Field(default={})
    """Members of the hashed text that are the same in every event."""
    nulls: NullForm = "empty"
    """What stands in the hashed text for NULL: `""`, as in the contract, or `null`."""
    form: TextForm = "jsonb_pretty"
    """How PostgreSQL writes the hashed text: `jsonb_pretty(…)`, or `(…)::text`."""
    hashed: str = "{canonical}{prev_hash}{salt}"
    """What is hashed, with other text between the placeholders where there is some."""
    prev_hash_as: LinkForm = "hex"
    """How `{prev_hash}` is written there: in hex, as PostgreSQL writes a `bytea`, or its bytes."""
    canonical_function: str | None = None
    """SQL function that gives the canonical text of an event, for comparing with our own."""
    created_at_format: str = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
    """The fixed UTC form in which `created_at` is hashed, a pattern of PostgreSQL's `to_char`."""

    @property
    def knows_salts(self) -> bool:
        """Whether its hashes can be recomputed: the file says which salts they have, or none."""
        return "salts" in self.model_fields_set

    @property
    def plain_salts(self) -> Mapping[str, str]:
        """The salts by key id, as text; one that is empty for hashes that have none."""
        salts = {key_id: salt.get_secret_value() for key_id, salt in self.salts.items()}
        return salts or {NO_KEY: ""}

    @property
    def only_key(self) -> str | None:
        """The key id of every event where the table has no column of it; else None."""
        return None if self.columns.salt_key_id else next(iter(self.plain_salts))

    def own_column(self, name: str) -> str:
        """The table's own name of a column, by the contract's; empty where it has none."""
        if name == "ledger_seq" and self.sequence == "none":
            return ""
        own: str = getattr(self.columns, name)
        return own

    @property
    def members(self) -> Mapping[HashedMember, str]:
        """What the hashed text holds, by the contract's name: its name there."""
        known: tuple[HashedMember, ...] = get_args(HashedMember)
        named = {
            each: self.names.get(each, each if each in HASHED else "")
            for each in known
            if self.own_column(each)
        }
        return {each: name for each, name in named.items() if name}

    @property
    def place_column(self) -> str:
        """The contract's name of the column that orders events; empty for one it does not know."""
        if not self.order_by:
            return "ledger_seq"
        owned = {getattr(self.columns, name): name for name in LedgerColumns.model_fields}
        return owned.get(self.order_by[0], "")

    @property
    def chain(self) -> "ChainShape":
        """What can be seen of its shape over HTTP, too."""
        return ChainShape(sequence=self.sequence, genesis=self.genesis)


class ChainShape(Table):
    """How the events of one organization follow one another."""

    sequence: Numbering = "per-organization"
    genesis: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether an event's number is its place in the chain."""
        return self.sequence == "per-organization"

    @property
    def is_numbered(self) -> bool:
        """Whether events have numbers at all."""
        return self.sequence != "none"


CONTRACT_CHAIN = ChainShape()
"""Numbered 1, 2, 3 … in each organization, the first one without a `prev_hash`."""
