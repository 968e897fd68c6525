"""Exports that the harness itself holds in the place of a worker, with a living heartbeat.

They are older than those that a drill is about: recovery has to find silent ones behind them.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import psycopg
from psycopg import sql

from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.backlog import EXPORTS_EACH, Backlog
from harness.client import Organization
from harness.errors import Inconclusive
from harness.target.sql.claim_call import claim_call
from harness.target.sql.export_table import ExportTable
from harness.vocabulary.exports import PREPARING, QUEUED


@dataclass(kw_only=True)
class LivingExports:
    """So many exports in progress, and one more whose owner is silent."""

    holder: ClassVar[str] = "shakedown"
    """The worker's name under which the harness claims."""

    drill: WorkerDrill
    table: ExportTable
    backlog: Backlog
    silent: str
    """The export of a worker that is late: it gets no heartbeat after `fall_silent`."""
    its_owner: Organization
    interval_s: float
    """How often the others get a heartbeat."""
    _lost: set[str] = field(default_factory=set)
    _is_silent: bool = False
    _beating: asyncio.Task[None] | None = None
    _ends: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def claim(cls, drill: WorkerDrill, count: int) -> "LivingExports":
        """Request at least so many exports, and claim them and the silent one.

        `Inconclusive` where the harness cannot claim in the place of a worker.
        """
        table = ExportTable.of(drill.target)
        if table is None or not (table.claim.function or table.claim.by_hand):
            raise Inconclusive(
                "this drill claims exports in the place of a worker, and the target file says "
                "neither by which function ([claim] function) nor that a claim only changes the "
                "columns it names ([claim] by_hand = true)"
            )
        if not (table.has("heartbeat_at") and table.has("claimed_by")):
            raise Inconclusive(
                "this drill gives exports signs of life: name the columns of heartbeat_at (or "
                "[claim] lease_until) and claimed_by in [claim.columns]"
            )
        assert drill.target.worker is not None
        backlog = Backlog(organizations=drill.own.organizations, samples=drill.backlog.samples)
        owner = await backlog.crowd(1)
        (silent,) = backlog.owners
        while len(backlog.owners) <= count:
            await backlog.grow(math.ceil((count + 1 - len(backlog.owners)) / EXPORTS_EACH))
        living = cls(
            drill=drill,
            table=table,
            backlog=backlog,
            silent=silent,
            its_owner=owner,
            interval_s=drill.target.worker.heartbeat_interval_s,
        )
        await living._claim_all()
        return living

    def __len__(self) -> int:
        """How many live."""
        return len(self.backlog.owners) - 1

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Give each that is not silent a heartbeat, again and again, while the block lasts."""
        self._beating = asyncio.ensure_future(self._beat())
        try:
            yield
            if self._beating is not None:
                await self._note_lost()
        finally:
            await self._stop_beating()

    async def _note_lost(self) -> None:
        self._lost.update(self.backlog.owners.keys() - await self.held() - {self.silent})

    async def _stop_beating(self) -> None:
        beating, self._beating = self._beating, None
        if beating is not None:
            self._ends.set()  # not canceled: its last statement must be over, whichever it is
            await beating

    def taken_away(self) -> Iterator[str]:
        """Say why the others were not living, if some were taken away in spite of heartbeats."""
        if self._lost:
            yield (
                f"{len(self._lost)} of {len(self)} exports that the harness held in the place of a "
                f"worker were taken away, such as {min(self._lost)}, though each got a heartbeat "
                f"every {self.interval_s:g} s: this backend's workers show in another way that "
                "they live"
            )

    async def fall_silent(self) -> None:
        """Let the silent one be without a sign of life for the stuck timeout already."""
        self._is_silent = True
        await self._make_older([self.silent])

    async def all_fall_silent(self) -> None:
        """Let the others be so, too, all at once: nothing keeps them alive any more."""
        await self._note_lost()
        await self._stop_beating()
        await self._make_older(list(await self.held()))

    async def _make_older(self, export_ids: Sequence[str]) -> None:
        table = self.table
        older = table.made_older(f"{table.stuck_timeout_s:f} seconds")
        await self._change(
            f"UPDATE {table.name} AS e SET {older} "  # noqa: S608 - quoted
            f"WHERE e.{table.id}::text = ANY (%s) AND {table.is_in(PREPARING, 'e')} RETURNING 1",
            [export_ids],
        )

    async def _claim_all(self) -> None:
        while queued := self.backlog.owners.keys() - await self.held():
            claimed = len(self.backlog.owners) - len(queued)
            try:
                await self._claim_some()
            except psycopg.Error as error:
                raise Inconclusive(f"the harness cannot claim as a worker: {error}") from error
            if len(await self.held()) == claimed:
                raise Inconclusive(
                    f"the harness could claim {claimed} of {len(self.backlog.owners)} exports in "
                    "the place of a worker, and no more"
                )
        await self._give_heartbeat()

    async def _claim_some(self) -> None:
        table = self.table
        if not table.claim.function:
            await self._change(
                f"UPDATE {table.name} AS e SET {table.claimed_by_hand(self.holder)} "  # noqa: S608 - quoted
                f"WHERE {table.is_in(QUEUED, 'e')} RETURNING 1"
            )
            return
        call = claim_call(
            table.claim,
            {
                "worker": sql.Literal(self.holder),
                "limit": sql.Literal(len(self.backlog.owners)),
                "per_org": sql.Literal(self.drill.target.limits.per_org_in_progress),
            },
        )
        await self._change(f"SELECT * FROM {call.as_string(None)}")  # noqa: S608 - quoted

    async def _beat(self) -> None:
        while not self._ends.is_set():
            await self._give_heartbeat()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ends.wait(), self.interval_s)

    async def _give_heartbeat(self) -> None:
        table, but = self.table, self.silent if self._is_silent else ""
        await self._change(
            f"UPDATE {table.name} AS e SET {table.kept_alive()} "  # noqa: S608 - quoted
            f"WHERE {table.is_in(PREPARING, 'e')} AND {table.shown('claimed_by', 'e')} = %s "
            f"AND e.{table.id}::text <> %s RETURNING 1",
            [self.holder, but],
        )

    async def held(self) -> set[str]:
        """Give those that no worker has taken over."""
        table = self.table
        found = await self.drill.own.database.fetch(
            f"SELECT e.{table.id}::text AS id FROM {table.name} AS e "  # noqa: S608 - quoted
            f"WHERE {table.is_in(PREPARING, 'e')} AND {table.shown('claimed_by', 'e')} = %s",
            [self.holder],
        )
        return {row["id"] for row in found}

    async def _change(self, statement: str, parameters: list[Any] | None = None) -> None:
        await self.drill.own.control_database.fetch(statement, parameters)
