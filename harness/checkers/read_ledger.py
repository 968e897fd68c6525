"""Reads the chains of a ledger from a system's database, for the history."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.database import Database
from harness.target import Target
from harness.target.sql.ledger_table import LedgerTable

_COLUMNS = ("organization_id", "ledger_seq", "event_name", "hash", "prev_hash")


async def read_chains(
    database: Database, target: Target, organizations: Collection[str] | None = None
) -> Sequence[Mapping[str, Any]]:
    """Give the links of these organizations' chains (None: of all), as of one moment.

    Nothing where the ledger is numbered in another way than 1, 2, 3 … for each organization, or
    the target file does not name its columns.
    """
    ledger = target.ledger
    if ledger is None or ledger.sequence != "per-organization":
        return ()
    table = LedgerTable(ledger)
    if not all(map(table.has, _COLUMNS)):
        return ()
    sql = Path(__file__).with_name("ledger_chains.sql").read_text(encoding="utf-8")
    names = {name: table.column(name) for name in _COLUMNS}
    rows = await database.fetch(
        sql.format(ledger=table.name, **names),
        {"organizations": None if organizations is None else list(organizations)},
    )
    # The first event of a chain has what the target declares, or nothing, in front of it.
    return [{**row, "prev": row["prev"] if row["seq"] != 1 else None} for row in rows]
