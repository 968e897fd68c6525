"""Looks at the exports of a drill in its system's database."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from chaos.exports.final_state import Snapshot
from chaos.exports.view import InProgress, IsOverdue
from harness.checkers import ExportFact, ExportFacts, RecoveryTimes, read_exports
from harness.errors import Inconclusive
from harness.plugin.fixtures import OwnSystem
from harness.target import Target
from harness.target.sql.export_table import ExportTable
from harness.target.sql.ledger_table import LedgerTable
from harness.target.tables.claim import ExportColumn
from harness.vocabulary.exports import LIVE_STATES, TERMINAL_STATES

WORK_S = 10.0
"""How long the next export may take once it can be claimed."""

IN_FLIGHT_S = 0.05
"""How long the database may take for what a frozen worker had already sent."""

_POLL_S = 0.05
_COLUMNS: tuple[ExportColumn, ...] = (
    "id",
    "state",
    "attempt",
    "claimed_by",
    "heartbeat_at",
    "started_at",
    "created_at",
)


@dataclass(frozen=True, kw_only=True)
class DatabaseView:
    """Sees workers, heartbeats and every change of an export."""

    own: OwnSystem
    target: Target
    organizations: Callable[[], Collection[str]] | None = None
    """Gives whose exports and changes are observed; None: everybody's."""
    ignored_worker: str | None = None
    """Whose exports are not seen in progress: the harness holds them itself."""
    shows_workers: bool = True
    run_for_s: Sequence[float] = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.3)
    moment_s: float = 0.002

    @property
    def settle_s(self) -> float:
        """Two heartbeats: by these a worker learns that it has lost its exports."""
        return 2 * self.target.worker.heartbeat_interval_s if self.target.worker else 0.0

    async def observed(self) -> ExportFacts:
        """Give exports, completions and changes, all of one moment."""
        organizations = self.organizations() if self.organizations else None
        return await read_exports(self.own.database, self.target, organizations)

    async def live(self) -> Sequence[ExportFact]:
        """Give every export that has not ended."""
        return [each for each in (await self.observed()).exports if each.state in LIVE_STATES]

    async def in_progress(self) -> Sequence[InProgress]:
        """Give every export in progress."""
        sql = _sql("in_progress").format(exports=self._table().rows(*_COLUMNS))
        return [
            InProgress(
                export_id=row["id"],
                attempt=row["attempt"],
                worker=row["claimed_by"],
                heartbeat_at=row["heartbeat_at"],
            )
            for row in await self.own.database.fetch(sql)
            if row["claimed_by"] is None or row["claimed_by"] != self.ignored_worker
        ]

    async def heartbeats(self, worker: str) -> Mapping[str, object]:
        """Give the last heartbeat of each export that a worker holds."""
        found = await self.in_progress()
        return {each.export_id: each.heartbeat_at for each in found if each.worker == worker}

    async def blocks_others(self) -> bool:
        """Whether a client has a transaction open, or waits for a lock."""
        await asyncio.sleep(IN_FLIGHT_S)
        row = await self.own.control_database.fetch_one(_sql("open_transactions"))
        return bool(row["is_open"])

    async def now(self) -> datetime:
        """Give the time by the database's clock."""
        row = await self.own.database.fetch_one("SELECT clock_timestamp() AS now")
        moment: datetime = row["now"]
        return moment

    async def snapshot(self) -> Snapshot:
        """Give every export and every ledger event with all its columns."""
        table, ledger = self._table(), self.target.ledger
        if ledger is None:
            raise Inconclusive("the target file does not describe the ledger: [ledger] table")
        sql = _sql("snapshot").format(
            exports=table.name,
            id=table.id,
            ledger=ledger.table,
            event_id=LedgerTable(ledger).column("id"),
            event_name=LedgerTable(ledger).column("event_name"),
        )
        return {row["what"]: row["record"] for row in await self.own.database.fetch(sql)}

    async def wait_until_ended(self, times: RecoveryTimes, is_overdue: IsOverdue) -> ExportFacts:
        """Wait until every export has ended, or waiting longer is of no use.

        That is when recovery is overdue, or when no export has ended for as long as recovery and
        one more export may take: how long all of them take is the backend's own business.
        """
        within_s = times.stuck_timeout_s + times.sweep_interval_s + self.target.pace.wait_s(WORK_S)
        until, ended = time.monotonic() + within_s, 0
        while True:
            now = await self.now()
            observed = await self.observed()
            before, ended = ended, sum(each.state in TERMINAL_STATES for each in observed.exports)
            if ended > before:
                until = time.monotonic() + within_s
            is_over = time.monotonic() > until or is_overdue(observed, now)
            if is_over or ended == len(observed.exports):
                return observed
            await asyncio.sleep(_POLL_S)

    def _table(self) -> ExportTable:
        table = ExportTable.of(self.target)
        if table is None:
            raise Inconclusive("the target file does not describe the exports: [claim] table")
        return table


@cache
def _sql(name: str) -> str:
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")
