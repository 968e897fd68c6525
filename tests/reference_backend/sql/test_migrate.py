"""Migrations: once each, also when several run at once, whoever runs them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
import pytest_asyncio

from harness.postgres.cluster import Cluster
from harness.postgres.database_server import create_database, drop_database
from reference_backend import migrate
from reference_backend.migrate import Migration, MigrationError
from tests.reference_backend.conftest import OWNER, Backend, settings_for

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def empty(cluster: Cluster) -> AsyncIterator[list[str]]:
    names = ["empty_1", "empty_2"]
    for name in names:
        await create_database(cluster.url("postgres"), name)
    yield names
    for name in names:
        await drop_database(cluster.url("postgres"), name)


async def test_many_at_once_in_two_databases(cluster: Cluster, empty: list[str]) -> None:
    """The databases share their roles, so they collide where no lock of one database helps."""
    runs = [migrate.migrate(settings_for(cluster.url(name, OWNER))) for name in empty * 4]

    applied = await asyncio.gather(*runs)

    everything = [migration.version for migration in migrate.shipped()]
    assert sorted(map(len, applied)) == [0] * 6 + [len(everything)] * 2
    assert applied.count(everything) == 2


async def test_a_superuser_may_run_them_too(cluster: Cluster, empty: list[str]) -> None:
    assert await migrate.migrate(settings_for(cluster.url(empty[0])))


async def test_nothing_is_applied_when_one_fails(
    cluster: Cluster, empty: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Migration(version="9999_broken", sql="SELECT 1/0", checksum="")
    shipped = migrate.shipped()
    monkeypatch.setattr(migrate, "shipped", lambda: [*shipped, broken])
    settings = settings_for(cluster.url(empty[0], OWNER))

    with pytest.raises(MigrationError, match="division by zero"):
        await migrate.migrate(settings)

    async with await psycopg.AsyncConnection.connect(settings.database_url) as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname='public'"
        )
        assert await cursor.fetchall() == [(0,)]


async def test_a_changed_migration_is_refused(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = [replace(migration, checksum="other") for migration in migrate.shipped()]
    monkeypatch.setattr(migrate, "shipped", lambda: shipped)

    with pytest.raises(MigrationError, match="0001_roles has changed since it was applied"):
        await migrate.migrate(backend.settings)


async def test_a_key_keeps_its_salt(backend: Backend) -> None:
    with pytest.raises(MigrationError, match="use a new LEDGER_SALT_KEY_ID for a new salt"):
        await migrate.migrate(settings_for(backend.url, ledger_salts={"test": "another salt"}))


async def test_a_new_key_becomes_the_active_one(backend: Backend) -> None:
    tenant = backend.tenant()
    await tenant.request_export()

    await migrate.migrate(
        settings_for(backend.url, ledger_salt_key_id="2027", ledger_salts={"2027": "new"})
    )
    await tenant.request_export()

    assert [event["salt_key_id"] for event in await tenant.ledger()] == ["test", "2027"]
