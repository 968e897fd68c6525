"""Reads from a system's database the facts that checkers judge."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from harness.checkers.facts import CompletionFact, ExportFact, Transition
from harness.database import Database
from harness.errors import Inconclusive
from harness.target import Target
from harness.target.sql.export_table import ExportTable
from harness.target.sql.ledger_table import LedgerTable
from harness.target.tables.claim import ExportColumn
from harness.vocabulary.events import EXPORT_COMPLETED

_READ: tuple[ExportColumn, ...] = (
    "id",
    "state",
    "attempt",
    "organization_id",
    "error_code",
    "created_at",
)


@dataclass(frozen=True, kw_only=True)
class ExportFacts:
    """The exports of some organizations, as a database or the API has them."""

    exports: Sequence[ExportFact]
    completions: Sequence[CompletionFact]
    transitions: Sequence[Transition] | None
    """In order, from each export's insert on; None where the target has no instrument."""

    def watched(self) -> Sequence[Transition]:
        """The transitions; `Inconclusive` where none were recorded."""
        if self.transitions is None:
            raise Inconclusive(
                "this target's database has no trigger of ours that records every change of an "
                "export ([database] instrument = true): what happened in between is not known"
            )
        return self.transitions


async def read_exports(
    database: Database, target: Target, organizations: Collection[str] | None = None
) -> ExportFacts:
    """Read the exports of these organizations (None: of all), their completions and changes.

    All of it is of one moment, also while workers work. `Inconclusive` where a table cannot be
    read.
    """
    table = ExportTable.of(target)
    if table is None or target.ledger is None:
        raise Inconclusive(
            "the target file does not name the tables of exports and ledger: "
            "[claim] table and [ledger] table"
        )
    wanted = {
        "organizations": None if organizations is None else list(organizations),
        "completed": target.contract.word("ledger_event", "event_name", EXPORT_COMPLETED),
    }
    ledger = LedgerTable(target.ledger)
    row = await database.fetch_one(
        _sql("export_facts").format(
            exports=table.rows(*_READ),
            ledger=ledger.name,
            target_id=ledger.column("target_id"),
            event_name=ledger.column("event_name"),
            organization_id=ledger.column("organization_id"),
            transitions=_sql("transitions") if target.database.instrument else "NULL::json",
        ),
        wanted,
    )
    return ExportFacts(
        exports=[ExportFact(**each) for each in row["exports"] or ()],
        completions=[CompletionFact(export_id=each) for each in row["completions"] or ()],
        transitions=(
            [_transition(each) for each in row["transitions"] or ()]
            if target.database.instrument
            else None
        ),
    )


def _transition(row: dict[str, Any]) -> Transition:
    heartbeat = row["heartbeat_at"]
    moments = {
        "at": datetime.fromisoformat(row["at"]),
        "heartbeat_at": datetime.fromisoformat(heartbeat) if heartbeat else None,
    }
    return Transition(**(row | moments))


@cache
def _sql(name: str) -> str:
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")
