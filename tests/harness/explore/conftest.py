"""A database with a queue that is not ours, and the reference backend's, to be explored."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.postgres.server import connect

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class TaskQueue:
    """A database of its own for each test."""

    dsn: str

    async def run(self, sql: str) -> list[tuple[object, ...]]:
        async with connect(self.dsn) as connection:
            cursor = await connection.execute(sql.encode())
            return await cursor.fetchall() if cursor.description else []

    async def replace_claim(self, file: str) -> None:
        await self.run((HERE / file).read_text(encoding="utf-8"))

    async def sessions(self) -> list[str]:
        """Whoever is connected besides the one who asks."""
        rows = await self.run(
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return [str(name) for (name,) in rows]


@pytest.fixture
async def task_queue(run_base: Path, journal: Journal) -> AsyncIterator[TaskQueue]:
    cluster = await Cluster.start(journal)
    try:
        await cluster.create_database("tasks")
        queue = TaskQueue(dsn=cluster.url("tasks"))
        await queue.run((HERE / "tasks.sql").read_text(encoding="utf-8"))
        yield queue
    finally:
        await cluster.stop()
