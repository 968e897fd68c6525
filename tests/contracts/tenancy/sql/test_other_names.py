"""Tenants in a database with names of its own: judged where the target file says them."""

import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.tenancy.catalog.privileges import privileges
from contracts.tenancy.catalog.read import read_catalog
from contracts.tenancy.catalog.row_security import row_security
from contracts.tenancy.catalog.rule_results import RuleResult, by_weight
from contracts.tenancy.catalog.tenants import tenant_tables
from contracts.tenancy.sql.isolation import SqlIsolation
from contracts.tenancy.sql.sql_tenant import KINDS, SqlTenant
from harness.database import Database
from harness.errors import CheckFailed, Inconclusive
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.postgres.cluster import Cluster
from harness.postgres.database_server import drop_database
from harness.system.declared_names import DatabaseNames, wrong_names
from harness.target import Target
from harness.target.load import load_target
from harness.target.sql.export_table import CONTRACT_EXPORTS, ExportTable
from harness.target.tables.catalog import Catalog
from harness.target.tables.claim import Claim

pytestmark = pytest.mark.integration

SQL = Path(__file__).with_name("other_names.sql").read_text(encoding="utf-8")
TABLES = ("documents", "packages", "trail")
VIEW = "CREATE VIEW auth.titles AS SELECT id, title FROM app.documents"
PEEK = """
CREATE FUNCTION auth.peek(p_id uuid) RETURNS SETOF app.documents
LANGUAGE sql SECURITY DEFINER SET search_path = app AS 'SELECT * FROM documents'
"""
STOP = """
CREATE FUNCTION app.stop(p_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = app
AS $$ DELETE FROM packages WHERE id = p_id AND status = 'waiting' $$
"""
SAID: Mapping[str, Any] = {
    "ignore_schemas": ("auth",),
    "tables": {"evidence": "app.documents", "jobs": ""},
    "organization_columns": ("company_id",),
    "roles": {"authenticated": "app_user", "service_role": "app_worker", "anon": ""},
}


def target(**changes: Any) -> Target:  # noqa: ANN401 - keys of [catalog]
    plain = load_target(None)
    assert plain.ledger is not None
    states = {"queued": ("waiting",), "failed": ("broken",), "ready": ("done",)}
    claim = Claim.model_validate(
        {
            "table": "app.packages",
            "function": "app.take_package",
            "role": "app_worker",
            "columns": {"state": "status", "organization_id": "company_id"},
            "states": states,
        }
    )
    return plain.model_copy(
        update={
            "catalog": Catalog.model_validate({**SAID, **changes}),
            "claim": claim,
            "ledger": plain.ledger.model_copy(update={"table": "app.trail"}),
        }
    )


@pytest.fixture
async def other_database(cluster: Cluster) -> AsyncIterator[Database]:
    name = f"others_{uuid.uuid4().hex[:8]}"
    await cluster.create_database(name)
    opened = Database(cluster.url(name), writable=True)
    try:
        async with opened.connect() as connection:
            await connection.execute(SQL.encode())
        yield opened
    finally:
        await opened.close()
        await drop_database(cluster.url("postgres"), name)


async def wrong(database: Database, declared: Target) -> list[RuleResult]:
    """What the rules about the catalog find."""
    catalog = await read_catalog(database, declared)
    tables = tenant_tables(catalog, declared)
    exports = declared.tenant_tables["exports"]
    results = [
        *row_security(catalog, tables),
        *privileges(catalog, tables, claim="app.take_package", exports=exports),
    ]
    return [result for result in by_weight(results) if not result.holds]


async def expect_apart(database: Database, declared: Target) -> Observations:
    """Fail where SQL leads from one tenant to the other."""
    tenants = []
    for _ in range(2):
        organization = str(uuid.uuid4())
        ids = dict.fromkeys(KINDS, organization)
        for kind, table in zip(("evidence", "export", "event"), TABLES, strict=True):
            (row,) = await database.fetch(
                f"INSERT INTO app.{table} (company_id) VALUES (%s) RETURNING id::text",
                [organization],
            )
            ids[kind] = row["id"]
        claims = {"sub": "u", "app_metadata": {"organization_id": organization}}
        made = SqlTenant(
            id=organization,
            ids=ids,
            markers=frozenset(ids.values()),
            claims={"member": claims},
        )
        tenants.append(made)
    catalog = await read_catalog(database, declared)
    observe = Observations()
    isolation = SqlIsolation(
        catalog=catalog,
        tables=tenant_tables(catalog, declared),
        exports=ExportTable.of(declared) or CONTRACT_EXPORTS,
        mine=tenants[0],
        theirs=tenants[1],
        has_contract_claims=True,
        observe=observe,
        cover=Coverage(),
        cells=Cells(check_id="own.isolation", check_path=Path(__file__), stop_at_first=True),
    )
    await isolation.expect_isolated(database)
    return observe


async def test_what_is_right_under_its_own_names_is_found_right(other_database: Database) -> None:
    assert await wrong(other_database, target()) == []
    observed = await expect_apart(other_database, target())
    assert observed.count == 2 * 3 * len(TABLES)
    names = await DatabaseNames.read(other_database)
    assert {"auth", "app"} <= set(names.schemas)
    about_columns = {where for where, _ in wrong_names(target(), names)}
    assert {where[:2] for where in about_columns} == {("ledger", "columns")}


async def test_what_is_not_said_is_told(other_database: Database) -> None:
    with pytest.raises(Inconclusive) as caught:
        await wrong(other_database, target(tables={}))
    assert '[catalog.tables] evidence = "…"' in caught.value.reason
    assert "app.documents" in caught.value.reason

    platform = await wrong(other_database, target(ignore_schemas=()))
    assert {result.name for result in platform} >= {"auth.org()", "auth.sweep()", "auth.sessions"}
    assert platform[0].name == "auth.sessions"  # a table of tenants before a function's path

    roles = await wrong(other_database, target(roles={"authenticated": "nobody", "anon": ""}))
    assert [(one.name, one.expected) for one in roles] == [("authenticated", "a role nobody")]


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        ("ALTER TABLE app.documents DISABLE ROW LEVEL SECURITY", "app.documents"),
        ("CREATE POLICY open ON app.packages FOR SELECT USING (true)", "app.packages"),
        ("ALTER ROLE app_user BYPASSRLS", "authenticated"),
        ("GRANT EXECUTE ON FUNCTION app.take_package(text) TO app_user", "app.take_package("),
        (f"{VIEW}; GRANT SELECT ON auth.titles TO app_user", "auth.titles"),
    ],
)
async def test_a_mistake_is_found_under_other_names(
    other_database: Database, mistake: str, name: str
) -> None:
    for statement in mistake.split("; "):
        await other_database.fetch(statement)
    try:
        found = await wrong(other_database, target())
    finally:
        await other_database.fetch("ALTER ROLE app_user NOBYPASSRLS")
    assert any(one.name.startswith(name) for one in found), found


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("CREATE POLICY b ON app.packages FOR SELECT USING (status = 'done')", "app.packages"),
        ("GRANT SELECT ON auth.titles TO app_user", "auth.titles"),
        (PEEK, "auth.peek(p_id uuid)"),
        (STOP, "app.stop(p_id uuid)"),
    ],
)
async def test_sql_that_reaches_another_tenant_is_found(
    other_database: Database, mistake: str, told: str
) -> None:
    await other_database.fetch(VIEW)
    await other_database.fetch(mistake)
    with pytest.raises(CheckFailed) as caught:
        await expect_apart(other_database, target())
    assert told in caught.value.expected
