"""A database to explore: the workers' connections, and one that reads the state."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Sequence
from typing import Self

import psycopg

from harness.errors import Misconfigured, ShakedownError
from harness.explore.errors import CannotGoOnError
from harness.explore.protocol.protocol import Protocol
from harness.explore.protocol.statement import Statement, Value
from harness.explore.running import sql_results
from harness.explore.running.session import Session, SessionLostError, SqlResults, end_sessions
from harness.explore.scripts.scenario import Scenario
from harness.explore.trace import FRESH, LETTERS, Snapshot

_END_WITHIN_S = 1.0
_DEADLOCK_AFTER = "20ms"
_STATE = "shakedown_state"
_OBSERVER_WAITS = "100ms"


class ExploredDatabase:
    """One database with a claim protocol; everything in it belongs to the exploration."""

    def __init__(
        self, dsn: str, protocol: Protocol, observer: Session, organizations: Sequence[str]
    ) -> None:
        self.protocol = protocol
        self.observer = observer
        self.workers: dict[int, Session] = {}
        """By number; `FRESH` is the one that finishes the rest."""
        self._dsn = dsn
        self._preparation: asyncio.Future[SqlResults] | None = None
        self._is_filled = False
        self._organizations = list(organizations)
        self._insert = Statement(sql=protocol.exports.insert)
        self._state_sql = protocol.state.query

    @classmethod
    async def open(cls, dsn: str, protocol: Protocol, organizations: Sequence[str] = ()) -> Self:
        """Connect, run `[exports] prepare`, then open the workers' connections.

        `organizations` are those that exports are inserted for; new ones unless given. Raises
        `Misconfigured` and `CannotGoOnError`; what was prepared until then is cleaned up.
        """
        observer = await _open(dsn, "observer", protocol.connection.observer, _OBSERVER_WAITS)
        database = cls(dsn, protocol, observer, organizations)
        try:
            await database._prepare()
            await database._open_workers()
        except ShakedownError as error:
            if problems := await database.close():
                raise type(error)("\n".join([str(error), "not removed:", *problems])) from error
            raise
        except BaseException:
            await database.close()
            raise
        return database

    async def count_exports(self) -> int:
        """Count the exports that are there."""
        return len(sql_results.snapshot(self.protocol.state, await self.ask("state.query")))

    async def _prepare(self) -> None:
        """Before anything else: the state query and the workers may need what it makes."""
        if text := self.protocol.exports.prepare:
            self._preparation = self.observer.send(text)
            answer = await asyncio.shield(self._preparation)
            if answer.error is not None:
                raise Misconfigured(
                    f"[exports] prepare: {answer.error}\n  [exports] clean_up did not run: "
                    "what exists already may be yours, or left by a run that was killed"
                )
        # Asked after every step: planning it each time would take longer than running it.
        prepared = await self.observer.run(f"PREPARE {_STATE} AS {self.protocol.state.query}")
        if prepared.error is None:
            self._state_sql = f"EXECUTE {_STATE}"
        else:  # several statements, which is allowed, or a mistake
            await self.ask("state.query")

    async def _is_prepared(self) -> bool:
        if self._preparation is None:
            return False
        await asyncio.wait([self._preparation])
        return self._preparation.exception() is None and self._preparation.result().error is None

    async def set_up(self, scenario: Scenario) -> Snapshot:
        """Empty the queue and fill it for a scenario; give what is in it."""
        self._is_filled = True  # from here on `close` removes all exports
        inserts, total = [], 0
        for place, count in enumerate(scenario.exports):
            for _ in range(count):
                total += 1
                values: dict[str, Value] = {
                    "export_id": str(uuid.uuid4()),
                    "organization": self._organization(place),
                    "number": total,
                }
                inserts.append(self._insert.fill(values))
        state = self.protocol.state
        text = ";\n".join([self.protocol.exports.reset, *inserts, self._state_sql])
        answer = await self._expect("[exports] reset, insert and [state] query", text)
        found = sql_results.snapshot(state, answer)
        if len(found) != total or any(each.state not in state.queued for each in found.values()):
            states = ", ".join(each.state for each in found.values())
            raise Misconfigured(
                f"after [exports] reset and {total} × insert, [state] query gives "
                f"{len(found)} exports ({states}); expected {total} in state "
                f"{' or '.join(state.queued)}"
            )
        return found

    async def look(self) -> Snapshot:
        """Read the committed state of all exports."""
        answer = await self._expect("[state] query", self._state_sql)
        return sql_results.snapshot(self.protocol.state, answer)

    async def ask(self, name: str) -> SqlResults:
        """Run one of the protocol's own statements that take no values."""
        section, _, key = name.partition(".")
        text = getattr(getattr(self.protocol, section), key)
        return await self._expect(f"[{section}] {key}", text)

    async def age(self) -> tuple[str, ...]:
        """Let an hour pass for every owned export; give those for which it did."""
        section = "recover" if self.protocol.recover else "claim"
        answer = await self.observer.run(self.protocol.age)
        if answer.error is not None and answer.error.sqlstate == "55P03":
            return ()  # another session has locked the row: it is not silent
        if answer.error is not None:
            raise Misconfigured(f"[{section}] age: {answer.error}")
        aged = sql_results.took("id", answer)
        if aged is None:
            raise Misconfigured(
                f"[{section}] age must return the id of each export in a column id: RETURNING id"
            )
        return aged

    async def roll_back(self) -> None:
        """End every worker's transaction."""
        sessions = list(self.workers.values())
        until = time.monotonic() + _END_WITHIN_S
        try:
            while any(session.busy or session.in_transaction for session in sessions):
                if time.monotonic() > until:
                    await self.replace_workers()
                    return
                resting = [each for each in sessions if each.in_transaction and not each.busy]
                for session in resting:
                    await session.run("ROLLBACK")
                    until = time.monotonic() + _END_WITHIN_S
                if not resting:
                    await asyncio.sleep(0.0005)
        except SessionLostError:
            await self.replace_workers()

    async def replace_workers(self) -> None:
        """End the workers' sessions, with their locks, and open new ones."""
        await end_sessions(self.observer, list(self.workers.values()))
        self.workers = {}
        await self._open_workers()

    async def close(self) -> list[str]:
        """End all sessions, remove what was made, and give what could not be removed."""
        problems: list[str] = []
        try:
            await end_sessions(self.observer, list(self.workers.values()))
            self.workers = {}
            problems = await self._clean_up()
        except SessionLostError as error:
            problems = [f"the connection was lost before everything was removed: {error}"]
        finally:
            await self._disconnect()
        return problems

    async def _clean_up(self) -> list[str]:
        problems = []
        # The sessions have been ended; their locks go a moment later.
        await self.observer.run("SET lock_timeout = '5s'")
        exports = self.protocol.exports
        for key, text, is_due in (
            ("reset", exports.reset, self._is_filled),
            ("clean_up", exports.clean_up, self._is_filled or await self._is_prepared()),
        ):
            if text and is_due and (error := (await self.observer.run(text)).error):
                problems.append(f"[exports] {key}: {error}")
        return problems

    async def _disconnect(self) -> None:
        for session in (*self.workers.values(), self.observer):
            with contextlib.suppress(psycopg.Error):
                await session.close()

    async def _open_workers(self) -> None:
        for number, name in (*enumerate(LETTERS), (FRESH, "fresh")):
            self.workers[number] = await _open(
                self._dsn, f"worker {name}", self.protocol.connection.worker, None
            )

    def _organization(self, place: int) -> str:
        while len(self._organizations) <= place:
            self._organizations.append(str(uuid.uuid4()))
        return self._organizations[place]

    async def _expect(self, what: str, text: str) -> SqlResults:
        answer = await self.observer.run(text)
        if answer.error is not None:
            raise Misconfigured(f"{what}: {answer.error}")
        return answer


async def _open(dsn: str, name: str, sql: str, lock_timeout: str | None) -> Session:
    try:
        session = await Session.open(dsn, name)
    except psycopg.OperationalError as error:
        raise CannotGoOnError(f"no connection for the {name}: {str(error).strip()}") from error
    try:
        # Superusers only may; without it a deadlock is found later.
        await session.run(f"SET deadlock_timeout = '{_DEADLOCK_AFTER}'")
        if lock_timeout:
            await session.run(f"SET lock_timeout = '{lock_timeout}'")
        if sql and (refused := (await session.run(sql)).error):
            raise Misconfigured(f"[connection] for the {name}: {refused}")
    except BaseException:
        await session.close()
        raise
    return session
