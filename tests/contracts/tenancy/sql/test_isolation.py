"""Two tenants in a small database of the tests' own: kept apart, and then by one mistake not."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.tenancy.catalog.privileges import privileges
from contracts.tenancy.catalog.read import read_catalog
from contracts.tenancy.catalog.row_security import row_security
from contracts.tenancy.catalog.rule_results import expect_holds
from contracts.tenancy.catalog.tenants import tenant_tables
from contracts.tenancy.sql.isolation import SqlIsolation
from contracts.tenancy.sql.sql_tenant import SqlTenant
from harness.database import Database
from harness.errors import CheckFailed
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.postgres.cluster import Cluster
from harness.postgres.database_server import drop_database
from harness.target.load import load_target
from harness.target.sql.export_table import CONTRACT_EXPORTS

pytestmark = pytest.mark.integration

TABLES = ("jobs", "evidence", "exports", "audit_logs")

SCHEMA = """
DO $$
DECLARE v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['anon', 'authenticated', 'service_role', 'tenants_owner'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I', v_role);
        EXCEPTION WHEN duplicate_object THEN NULL;
        END;
    END LOOP;
END $$;
GRANT CREATE ON SCHEMA public TO tenants_owner;
SET ROLE tenants_owner;
CREATE FUNCTION organization() RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT NULLIF(NULLIF(current_setting('request.jwt.claims', true), '')::jsonb
        #>> '{app_metadata,organization_id}', '')::uuid $$;
REVOKE EXECUTE ON FUNCTION organization() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organization() TO anon, authenticated, tenants_owner;
CREATE FUNCTION claim_export_job(p_worker text) RETURNS void LANGUAGE sql
    SET search_path = pg_catalog AS $$ SELECT $$;
REVOKE EXECUTE ON FUNCTION claim_export_job(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_export_job(text) TO service_role;
RESET ROLE;
"""

TABLE = """
SET ROLE tenants_owner;
CREATE TABLE {table} (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), organization_id uuid NOT NULL, title text,
    state text NOT NULL DEFAULT 'ready', UNIQUE (organization_id, title)
);
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON {table} USING (organization_id = (SELECT organization()));
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO authenticated;
RESET ROLE;
INSERT INTO {table} (organization_id, title) SELECT unnest(%(organizations)s::uuid[]), %(title)s;
"""

DEFINER = "LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public"


@pytest.fixture
async def tenants_database(cluster: Cluster) -> AsyncIterator[Database]:
    name = f"tenants_{uuid.uuid4().hex[:8]}"
    await cluster.create_database(name)
    opened = Database(cluster.url(name), writable=True)
    try:
        yield opened
    finally:
        await opened.close()
        await drop_database(cluster.url("postgres"), name)


async def furnished(database: Database) -> tuple[SqlTenant, SqlTenant]:
    await database.fetch(SCHEMA)
    ids = [str(uuid.uuid4()), str(uuid.uuid4())]
    made = []
    for number, organization in enumerate(ids):
        things = {"organization": organization}
        for table in TABLES:
            if not number:
                for statement in TABLE.format(table=table).split(";\n")[:-1]:
                    await database.fetch(
                        statement,
                        {"organizations": ids, "title": "t"} if "%(" in statement else None,
                    )
            row = await database.fetch_one(
                f"SELECT id::text AS id FROM {table} WHERE organization_id = %s", [organization]
            )
            things[table] = row["id"]
        made.append(
            SqlTenant(
                id=organization,
                ids=dict(
                    zip(
                        ("organization", "job", "evidence", "export", "event"),
                        things.values(),
                        strict=True,
                    )
                ),
                markers=frozenset(things.values()),
                claims={"member": {"sub": "u", "app_metadata": {"organization_id": organization}}},
            )
        )
    return made[0], made[1]


async def apart(database: Database, mistake: str) -> Observations:
    """Make one mistake in a right database, and look whether it is found."""
    mine, theirs = await furnished(database)
    await database.fetch(mistake or "SELECT")
    catalog = await read_catalog(database, load_target(None))
    observe = Observations()
    isolation = SqlIsolation(
        catalog=catalog,
        tables=tenant_tables(catalog, load_target(None)),
        exports=CONTRACT_EXPORTS,
        mine=mine,
        theirs=theirs,
        has_contract_claims=True,
        observe=observe,
        cover=Coverage(),
        cells=Cells(check_id="own.isolation", check_path=Path(__file__), stop_at_first=True),
    )
    await isolation.expect_isolated(database)
    return observe


async def test_tenants_who_are_apart_pass_and_everything_stays_as_it_was(
    tenants_database: Database,
) -> None:
    observe = await apart(tenants_database, "")
    assert observe.count == 2 * 3 * len(TABLES)
    for table in TABLES:
        (row,) = await tenants_database.fetch(f"SELECT count(*) AS n FROM {table}")
        assert row["n"] == 2


async def test_the_catalog_of_a_right_database_is_right(tenants_database: Database) -> None:
    await furnished(tenants_database)
    catalog = await read_catalog(tenants_database, load_target(None))
    tables = tenant_tables(catalog, load_target(None))
    assert [table.relation.table_name for table in tables] == sorted(TABLES)
    results = [
        *row_security(catalog, tables),
        *privileges(catalog, tables, claim="claim_export_job", exports="exports"),
    ]
    for result in results:
        expect_holds(result)


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        ("ALTER TABLE exports DISABLE ROW LEVEL SECURITY", "public.exports"),
        ("CREATE POLICY a ON jobs FOR SELECT USING (title = 't')", "public.jobs"),
        (
            "CREATE POLICY a ON jobs FOR SELECT USING (organization() IS NOT NULL)",
            "public.jobs",
        ),
        (
            (
                "CREATE POLICY a ON jobs FOR UPDATE USING (title = 't') "
                "WITH CHECK (organization_id = organization())"
            ),
            "UPDATE of all rows",
        ),
        (
            "CREATE POLICY a ON jobs FOR DELETE USING (title = 't')",
            "DELETE of all rows",
        ),
        ("CREATE POLICY a ON jobs FOR INSERT WITH CHECK (title = 't')", "INSERT"),
        (
            (
                "CREATE POLICY a ON jobs FOR UPDATE USING (organization_id = organization()) "
                "WITH CHECK (title = 't')"
            ),
            "UPDATE of public.jobs",
        ),
        ("CREATE POLICY a ON jobs USING (organization() IS NULL)", "never set"),
        (
            "CREATE VIEW titles AS SELECT id FROM jobs; GRANT SELECT ON titles TO authenticated",
            "public.titles",
        ),
        ("GRANT SELECT ON jobs TO anon", "anon with an organization's claims"),
        (
            (
                f"CREATE FUNCTION export_of(p_id uuid) RETURNS SETOF exports {DEFINER} AS "
                "'SELECT * FROM exports'"
            ),
            "public.export_of(p_id uuid)",
        ),
        (
            (
                f"CREATE FUNCTION cancel(p_id uuid) RETURNS void {DEFINER} AS "
                "$$ UPDATE exports SET state = 'canceled' WHERE id = p_id AND state = 'queued' $$"
            ),
            "public.cancel(p_id uuid)",
        ),
        (
            (
                "CREATE OR REPLACE FUNCTION organization() RETURNS uuid LANGUAGE sql STABLE AS $$ "
                "SELECT (current_setting('request.jwt.claims', true)::jsonb "
                "#>> '{app_metadata,organization_id}')::uuid $$"
            ),
            "claims that are ''",
        ),
        (
            (
                "CREATE OR REPLACE FUNCTION organization() RETURNS uuid LANGUAGE sql STABLE AS $$ "
                "SELECT COALESCE(c #>> '{user_metadata,organization_id}', "
                "c #>> '{app_metadata,organization_id}')::uuid "
                "FROM NULLIF(current_setting('request.jwt.claims', true), '') AS s, "
                "CAST(s AS jsonb) AS c $$"
            ),
            "user_metadata",
        ),
    ],
)
async def test_one_mistake_is_found(tenants_database: Database, mistake: str, named: str) -> None:
    with pytest.raises(CheckFailed) as raised:
        await apart(tenants_database, mistake)
    assert named in raised.value.expected
