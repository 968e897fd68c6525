"""A real PostgreSQL with the backend's schema; every test gets a database of its own."""

import itertools
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from harness.postgres.cluster import Cluster
from harness.postgres.database_server import create_database, drop_database
from reference_backend import database, migrate
from reference_backend.database import Connection, Pool, Row
from reference_backend.settings import Settings
from tests.own_cluster import own_cluster

SALT_KEY_ID = "test"
SALT = "a salt that is only for tests"
OWNER = "backend"
_numbers = itertools.count(1)


def settings_for(url: str, **overrides: object) -> Settings:
    values: dict[str, Any] = {
        "database_url": url,
        "ledger_salt_key_id": SALT_KEY_ID,
        "ledger_salts": {SALT_KEY_ID: SALT},
        "jwt_secret": "not a secret, and long enough to sign",
        "worker_name": "tester",
        "db_pool_size": 24,
    }
    return Settings(**{**values, **overrides})


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An organization and its user, working on the database as the API does."""

    pool: Pool
    organization_id: uuid.UUID
    actor: str = "user-1"

    @property
    def claims(self) -> dict[str, Any]:
        return {
            "sub": self.actor,
            "role": "authenticated",
            "app_metadata": {"organization_id": str(self.organization_id), "role": "owner"},
        }

    async def query(self, statement: str, *parameters: object) -> list[Row]:
        async with database.tenant_transaction(self.pool, self.claims) as connection:
            cursor = await connection.execute(statement.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    async def new_job(self) -> uuid.UUID:
        rows = await self.query(
            "INSERT INTO jobs (organization_id, title) VALUES (%s, 'a job') RETURNING id",
            self.organization_id,
        )
        job_id: uuid.UUID = rows[0]["id"]
        return job_id

    async def seal(
        self, job_id: uuid.UUID, sha256: str = "0" * 64, storage_path: str = "", size: int = 3
    ) -> Row:
        evidence_id = uuid.uuid4()
        rows = await self.query(
            "SELECT * FROM seal_evidence(%s, %s, 'a.png', %s, 'image/png', %s, %s)",
            evidence_id, job_id, size, sha256, storage_path or f"evidence/{evidence_id}.png",
        )  # fmt: skip
        return rows[0]

    async def request_export(
        self, job_id: uuid.UUID | None = None, export_type: str = "proof-pack", filters: str = "{}"
    ) -> Row:
        rows = await self.query(
            "SELECT * FROM request_export(%s, %s, %s, %s)",
            uuid.uuid4(), job_id or await self.new_job(), export_type, filters,
        )  # fmt: skip
        return rows[0]

    async def exports(self, count: int) -> list[uuid.UUID]:
        return [(await self.request_export())["id"] for _ in range(count)]

    async def export(self, export_id: uuid.UUID) -> Row:
        return (await self.query("SELECT * FROM export_status WHERE id = %s", export_id))[0]

    async def ledger(self) -> list[Row]:
        return await self.query("SELECT * FROM audit_logs ORDER BY ledger_seq")


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A migrated database and the ways into it."""

    cluster: Cluster
    name: str
    url: str
    settings: Settings
    pool: Pool

    def tenant(self) -> Tenant:
        return Tenant(pool=self.pool, organization_id=uuid.uuid4())

    async def service(self, statement: str, *parameters: object) -> list[Row]:
        """As a worker: service_role, one transaction."""
        async with database.service_transaction(self.pool) as connection:
            cursor = await connection.execute(statement.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    async def control(self, statement: str, *parameters: object) -> list[Row]:
        """As the superuser, whom nothing binds."""
        async with await self.connect_as_superuser() as connection:
            cursor = await connection.execute(statement.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    async def connect_as_superuser(self) -> Connection:
        return await psycopg.AsyncConnection.connect(
            self.cluster.url(self.name), row_factory=psycopg.rows.dict_row, autocommit=True
        )

    async def claim(self, worker: str = "w", limit: int = 1, max_per_org: int = 3) -> list[Row]:
        return await self.service(
            "SELECT * FROM claim_export_job(%s, %s, %s)", worker, limit, max_per_org
        )

    async def heartbeat(self, export_id: uuid.UUID, token: uuid.UUID, progress: int = 10) -> int:
        rows = await self.service(
            "SELECT * FROM heartbeat_exports('w', %s, %s, %s)", [export_id], [token], [progress]
        )
        return len(rows)

    async def complete(self, *claims: Row) -> list[uuid.UUID]:
        rows = await self.service(
            "SELECT complete_exports(%s, %s, %s, %s, %s, %s, %s) AS id",
            [claim["id"] for claim in claims],
            [claim["claim_token"] for claim in claims],
            ["exports/x.zip" for _ in claims],
            ["0" * 64 for _ in claims],
            [1 for _ in claims],
            ["{}" for _ in claims],
            ["1" * 64 for _ in claims],
        )
        return [row["id"] for row in rows]

    async def fail(self, claim: Row) -> bool:
        rows = await self.service(
            "SELECT fail_export(%s, %s, 'broken', 'why') AS done", claim["id"], claim["claim_token"]
        )
        return bool(rows[0]["done"])

    async def recover(self, timeout: str = "1 minute") -> list[Row]:
        return await self.service("SELECT * FROM recover_stuck_exports(%s::interval)", timeout)

    async def silence(self, export_id: uuid.UUID, seconds: int = 3600) -> None:
        """As if the worker had given no sign of life for so long."""
        await self.control(
            "UPDATE exports SET heartbeat_at = heartbeat_at - make_interval(secs => %s)"
            " WHERE id = %s", seconds, export_id,
        )  # fmt: skip


@pytest_asyncio.fixture(scope="session")
async def cluster() -> AsyncIterator[Cluster]:
    async with own_cluster(max_connections="300") as running:
        yield running


@pytest_asyncio.fixture(scope="session")
async def template(cluster: Cluster) -> str:
    await create_database(cluster.url("postgres"), "template_backend")
    await migrate.migrate(settings_for(cluster.url("template_backend", OWNER)))
    return "template_backend"


@pytest_asyncio.fixture
async def backend(cluster: Cluster, template: str, tmp_path: Path) -> AsyncIterator[Backend]:
    name = f"backend_{os.getpid()}_{next(_numbers)}"
    await create_database(cluster.url("postgres"), name, template)
    url = cluster.url(name, OWNER)
    settings = settings_for(url, storage_dir=tmp_path / "storage")
    async with database.create_pool(settings) as pool:
        yield Backend(cluster=cluster, name=name, url=url, settings=settings, pool=pool)
    await drop_database(cluster.url("postgres"), name)


@pytest.fixture
def tenant(backend: Backend) -> Tenant:
    return backend.tenant()
