"""What `[ledger]` says is hashed of an event, written by PostgreSQL itself."""

import json
from dataclasses import dataclass

from harness.target.sql.ledger_table import LedgerTable
from harness.target.tables.ledger import HashedMember, Ledger
from harness.target.values.template import fill


@dataclass(frozen=True, kw_only=True)
class HashedText:
    """An expression for the canonical text of a row, and its parameters."""

    sql: str
    parameters: dict[str, object]


def canonical_sql(ledger: Ledger) -> HashedText:
    """Give the text of a row of the ledger in its declared form."""
    table = LedgerTable(ledger)
    null = '""' if ledger.nulls == "empty" else "null"
    parameters: dict[str, object] = {"times": ledger.created_at_format, "null": null}
    members: list[str] = []
    for number, (column, name) in enumerate(ledger.members.items()):
        parameters[f"name_{number}"] = name
        value = f"COALESCE({_value(table, column)}, %(null)s::jsonb)"
        members.append(f"%(name_{number})s::text, {value}")
    for number, (name, constant) in enumerate(ledger.constants.items()):
        parameters |= {f"known_{number}": name, f"value_{number}": json.dumps(_plain(constant))}
        members.append(f"%(known_{number})s::text, %(value_{number})s::jsonb")
    built = f"jsonb_build_object({', '.join(members)})"
    text = f"jsonb_pretty({built})" if ledger.form == "jsonb_pretty" else f"({built})::text"
    return HashedText(sql=text, parameters=parameters)


def hashed_bytes(
    canonical: str, prev_hash: str, salt: str, *, template: str, prev_hash_as: str
) -> bytes:
    """Give the bytes that are hashed; `prev_hash` is in hex, or what the first event has.

    `template` and `prev_hash_as` are `hashed` and `prev_hash_as` of `[ledger]`.
    """
    before, found, after = template.partition("{prev_hash}")
    values = {"canonical": canonical, "salt": salt}
    link = _linked(prev_hash, prev_hash_as) if found else b""
    return fill(before, values).encode() + link + fill(after, values).encode()


def _linked(prev_hash: str, form: str) -> bytes:
    """Give the hash before as it is written in what is hashed, by `[ledger] prev_hash_as`."""
    if form == "bytes":
        try:
            return bytes.fromhex(prev_hash)
        except ValueError:
            return prev_hash.encode()
    return (f"\\x{prev_hash}" if form == "\\x" and prev_hash else prev_hash).encode()


def _value(table: LedgerTable, column: HashedMember) -> str:
    if column == "metadata":
        return f"{table.column(column)}::jsonb"
    if column in ("ledger_seq", "id", "canonical_version"):
        return f"to_jsonb({table.column(column)})"
    if column == "created_at":
        return f"to_jsonb(to_char({table.column(column)} AT TIME ZONE 'UTC', %(times)s))"
    return f"to_jsonb({table.text(column)})"


def _plain(value: object) -> object:
    """A constant of a TOML file, whose arrays are tuples, as JSON."""
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
