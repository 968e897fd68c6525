"""The backend's schema and the harness's canonical form hold on PostgreSQL 17 in a container.

The embedded server is 18, production may not be, and the jsonb rendering that hashes rest on is
stable but not promised.
"""

import asyncio
import os
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.rows import dict_row

from contracts.hash import json_documents
from contracts.hash.async_hypothesis import for_each_example
from contracts.shared.ledger.canonical_json import jsonb_pretty
from harness.containers.database import ContainerDatabase
from harness.containers.engine import Engine
from harness.containers.run_resources import RunResources
from harness.machine.journal import Journal
from harness.recovery.healing import end_run
from harness.target.tables.models import Database

pytestmark = pytest.mark.docker

CLAIMERS = 16
CAP = 3
PASSWORD = "for-a-container-on-loopback"


@pytest.fixture(scope="module")
async def container_url(engine: Engine) -> AsyncIterator[str]:
    """A superuser's DSN."""
    journal = Journal.begin()
    resources = await RunResources.prepare(journal, lambda _: None)
    try:
        server = await ContainerDatabase.start(resources, Database(source="docker"), lambda _: None)
        yield server.url("postgres")
        await server.stop()
    finally:
        resources.close()
        end_run(journal)


@pytest.fixture(scope="module")
def owner_url(container_url: str) -> str:
    """A database of the backend's own, migrated by its owner, who is no superuser."""
    with psycopg.connect(container_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE app LOGIN CREATEROLE PASSWORD '{PASSWORD}'".encode())
        connection.execute("CREATE DATABASE app OWNER app")
        url = f"postgresql://app:{PASSWORD}@{connection.info.host}:{connection.info.port}/app"
    first, second = migrate(url), migrate(url)
    assert "0001" in first
    assert "nothing, the schema is current" in second
    return url


def migrate(url: str) -> str:
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "LEDGER_SALT": "salt",
        "LEDGER_SALT_KEY_ID": "k1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "reference_backend", "migrate"],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_canonical_json_is_what_this_server_writes(container_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(container_url) as connection:

        async def same(document: str) -> None:
            cursor = await connection.execute("SELECT jsonb_pretty(%s::jsonb)", [document])
            row = await cursor.fetchone()
            assert row is not None
            assert row[0] == jsonb_pretty(document)

        await for_each_example(json_documents.values(), same, examples=300, seed=17)


async def test_raced_claims_take_each_export_once_and_keep_the_cap(
    container_url: str, owner_url: str
) -> None:
    organizations = [uuid.uuid4() for _ in range(4)]
    superuser_url = owner_url.replace(f"app:{PASSWORD}@", container_credentials(container_url))
    async with await psycopg.AsyncConnection.connect(superuser_url, autocommit=True) as connection:
        for organization in organizations:
            await connection.execute(
                "WITH job AS (INSERT INTO jobs (organization_id, title) "
                "SELECT %s, 'raced' FROM generate_series(1, 10) RETURNING id, organization_id) "
                "INSERT INTO exports (organization_id, job_id, export_type) "
                "SELECT organization_id, id, 'ledger' FROM job",
                [organization],
            )
    rounds = await asyncio.gather(*(claim_until_dry(owner_url, n) for n in range(CLAIMERS)))
    claimed = [row for rows in rounds for row in rows]
    assert max(Counter(row["id"] for row in claimed).values()) == 1
    assert len({row["claim_token"] for row in claimed}) == len(claimed)
    assert Counter(row["organization_id"] for row in claimed) == dict.fromkeys(organizations, CAP)


async def claim_until_dry(url: str, number: int) -> list[dict[str, object]]:
    claimed: list[dict[str, object]] = []
    async with await psycopg.AsyncConnection.connect(
        url, autocommit=True, row_factory=dict_row
    ) as connection:
        await connection.execute("SET ROLE service_role")
        for _ in range(20):
            cursor = await connection.execute("SELECT * FROM claim_export_job(%s)", [f"w{number}"])
            rows = await cursor.fetchall()
            claimed += rows
    return claimed


def container_credentials(url: str) -> str:
    info = psycopg.conninfo.conninfo_to_dict(url)
    return f"{info['user']}:{info['password']}@"
