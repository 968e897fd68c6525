"""A database with a queue that is not ours, and the reference backend's, to be explored."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.postgres.cluster import Cluster
from harness.postgres.database_server import drop_database
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


@asynccontextmanager
async def queue_of(cluster: Cluster, sql: str) -> AsyncIterator[TaskQueue]:
    """A database of its own with what this SQL makes."""
    name = f"queue_{uuid.uuid4().hex}"
    await cluster.create_database(name)
    try:
        queue = TaskQueue(dsn=cluster.url(name))
        await queue.run(sql)
        yield queue
    finally:
        await drop_database(cluster.url("postgres"), name)


@pytest.fixture
async def task_queue(cluster: Cluster) -> AsyncIterator[TaskQueue]:
    async with queue_of(cluster, (HERE / "tasks.sql").read_text(encoding="utf-8")) as queue:
        yield queue
