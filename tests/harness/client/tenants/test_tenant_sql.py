"""Tenants are entered by SQL: all or nothing, values bound, errors by statement."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from harness.client.tenants.tenant_sql import TenantDatabase
from harness.errors import Inconclusive, Misconfigured
from harness.postgres.cluster import Cluster
from harness.target.tokens.token_tenants import TenantSql

pytestmark = pytest.mark.integration

USERS = {"owner": "user-1", "viewer": "user-2"}
ORGANIZATION = "33333333-3333-4333-8333-333333333333"
SCHEMA = """
CREATE TABLE tenants (id uuid PRIMARY KEY, label text NOT NULL);
CREATE TABLE people (
    number int GENERATED ALWAYS AS IDENTITY, id text PRIMARY KEY, tenant uuid, rank text
);
"""
ENTER = {
    "organization": ("INSERT INTO tenants VALUES ({organization}, {name})",),
    "user": ("INSERT INTO people (id, tenant, rank) VALUES ({user}, {organization}, {role})",),
}


@pytest.fixture
async def url(cluster: Cluster) -> AsyncIterator[str]:
    async with await psycopg.AsyncConnection.connect(
        cluster.url("postgres"), autocommit=True
    ) as admin:
        await admin.execute("DROP DATABASE IF EXISTS tenant_sql WITH (FORCE)")
        await admin.execute("CREATE DATABASE tenant_sql")
        made = cluster.url("tenant_sql")
        async with await psycopg.AsyncConnection.connect(made) as connection:
            await connection.execute(SCHEMA)
        yield made
        await admin.execute("DROP DATABASE tenant_sql WITH (FORCE)")


def database(url: str, **changes: tuple[str, ...]) -> TenantDatabase:
    sql = TenantSql.model_validate({**ENTER, **changes})
    return TenantDatabase(sql=sql, role_names={"owner": "boss"}, url=url)


async def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall()


async def test_an_organization_and_its_users_are_entered_as_they_are_called_there(url: str) -> None:
    name = "O'Neil; DROP TABLE tenants; -- {user} %s"
    entered = await database(url).enter(name, ORGANIZATION, USERS)
    assert entered == (ORGANIZATION, USERS)
    assert await rows(url, "SELECT id::text, label FROM tenants") == [(ORGANIZATION, name)]
    found = await rows(url, "SELECT id, tenant::text, rank FROM people ORDER BY number")
    assert found == [
        (USERS["owner"], ORGANIZATION, "boss"),
        (USERS["viewer"], ORGANIZATION, "viewer"),
    ]


async def test_ids_that_the_database_makes_are_taken(url: str) -> None:
    enter = "INSERT INTO people (id, rank) VALUES ({user}, {role}) RETURNING number AS user"
    entered = await database(url, organization=(), user=(enter,)).enter("x", ORGANIZATION, USERS)
    assert entered == (ORGANIZATION, {"owner": "1", "viewer": "2"})


async def test_a_statement_that_fails_is_named_and_nothing_stays(url: str) -> None:
    bad = database(url, user=("SELECT 1; INSERT INTO persons VALUES ({user})",))
    with pytest.raises(Misconfigured) as caught:
        await bad.enter("x", ORGANIZATION, USERS)
    assert "[tokens.tenants.sql] user, statement 2 of 2: SQLSTATE 42P01" in str(caught.value)
    assert 'relation "persons" does not exist' in str(caught.value)
    assert await rows(url, "SELECT * FROM tenants") == []


async def test_a_database_that_does_not_answer_is_no_mistake_of_the_file() -> None:
    nowhere = database("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(Inconclusive, match="no tenant could be entered by SQL"):
        await nowhere.enter("x", ORGANIZATION, USERS)
