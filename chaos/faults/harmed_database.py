"""The database of a drill's own system, as faults reach it: as superuser, and as the backend."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from chaos.faults.proof import FaultNotShown, TargetCannot
from harness.instances.database_access import with_database
from harness.postgres.cluster import Cluster
from harness.postgres.server import Connection, connect
from harness.system import System
from harness.waiting import wait_until

VICTIM = "database"
"""What histories call it."""
SHOWS_WITHIN_S = 5.0
"""How long what was done may take to show outside."""
RECOVERS_WITHIN_S = 30.0
"""How long a server may take to take connections again."""

_SESSION = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"


@dataclass(frozen=True, kw_only=True)
class HarmedDatabase:
    """One database. Made by `of`."""

    name: str
    url: str = field(repr=False)
    """As the backend connects, but directly."""
    control_url: str = field(repr=False)
    """A superuser, in the same database."""
    server: Cluster | None = None
    """The server, where no other system uses it."""

    @classmethod
    def of(cls, system: System) -> "HarmedDatabase":
        """Give a system's database. Raises `TargetCannot` where it is not under our control."""
        access = system.database
        if not (access.name and access.url and access.control_url):
            raise TargetCannot(
                f"the database of {system.target.name!r} cannot be harmed: only one that the "
                'harness starts ([database] source = "embedded" or "docker") can'
            )
        return cls(
            name=access.name,
            url=access.url,
            control_url=access.control_url,
            server=system.own_server,
        )

    @property
    def own_server(self) -> Cluster:
        """The server. Raises `TargetCannot` where other systems use it, too."""
        if self.server is None:
            raise TargetCannot(
                "the database server is not the drill's own: other checks use it. A system "
                "started with fresh_system(own_server=True) has one that may be harmed"
            )
        return self.server

    @asynccontextmanager
    async def control(self) -> AsyncIterator[Connection]:
        """Connect as superuser. Raises `FaultNotShown` where that fails."""
        try:
            async with connect(self.control_url) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise FaultNotShown(f"the database could not be asked: {_first(error)}") from error

    @asynccontextmanager
    async def elsewhere(self) -> AsyncIterator[Connection]:
        """Connect as superuser to another database of the server: this one may refuse."""
        async with connect(with_database(self.control_url, "postgres")) as connection:
            yield connection

    async def value(self, sql: str, parameters: list[object] | None = None) -> Any:  # noqa: ANN401
        """Give the one value that a statement of the superuser gives; None for no row."""
        async with self.control() as connection:
            row = await (await connection.execute(sql.encode(), parameters)).fetchone()
        return row[0] if row else None

    async def as_backend(self, sql: str) -> str:
        """Give the one text that a query of the backend's role gives, in a session of its own."""
        try:
            async with connect(self.url) as connection:
                row = await (await connection.execute(sql.encode())).fetchone()
        except psycopg.OperationalError as error:
            raise FaultNotShown(f"the backend's role could not ask: {_first(error)}") from error
        return str(row[0]) if row else ""

    async def attempt(self, sql: str = "SELECT 1") -> str:
        """Do something as the backend, and undo it; give `done`, or the SQLSTATE and the error."""
        try:
            connection = await psycopg.AsyncConnection.connect(self.url, connect_timeout=10)
        except psycopg.OperationalError as error:
            return f"{error.sqlstate or 'no connection'}: {_first(error)}"
        try:
            await connection.execute(sql.encode())
        except psycopg.Error as error:
            return f"{error.sqlstate}: {_first(error)}"
        finally:
            await connection.close()
        return "done"

    async def attempt_until(
        self, is_so: Callable[[str], bool], what: str, *, sql: str = "SELECT 1", within_s: float
    ) -> str:
        """Try something as the backend until it ends as wanted; give that.

        Raises `FaultNotShown` with what was got instead.
        """
        got = "it was not tried"

        async def is_it() -> bool:
            nonlocal got
            got = await self.attempt(sql)
            return is_so(got)

        await wait_until(
            is_it,
            within_s,
            f"a client of {self.name} {what}",
            error=lambda waited: FaultNotShown(f"{waited}; it got: {got}"),
        )
        return got

    async def expect_ended(self, pid: int) -> None:
        """Wait until the server has no session of this number. Raises `FaultNotShown`."""

        async def is_gone() -> bool:
            return not await self.value(_SESSION, [pid])

        await wait_until(is_gone, SHOWS_WITHIN_S, f"session {pid} to end", error=FaultNotShown)

    async def works(self) -> str:
        """See that the backend's role can connect and ask."""
        done = await self.attempt_until(
            lambda got: got == "done", "to be served", within_s=RECOVERS_WITHIN_S
        )
        return f"a new connection: {done}"


def _first(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
