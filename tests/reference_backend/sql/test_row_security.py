"""Tenants are kept apart by the database itself, and privileges are what is written down."""

import uuid
from dataclasses import replace

import psycopg
import pytest

from reference_backend import database
from tests.reference_backend.conftest import Backend, Tenant

pytestmark = pytest.mark.integration

TENANT_TABLES = ["audit_logs", "evidence", "exports", "idempotency_keys", "jobs"]
SERVICE_FUNCTIONS = {
    "act_for_organization", "add_to_counter", "append_export_failed", "claim_export_job",
    "claimable_exports", "complete_exports", "fail_export", "heartbeat_exports",
    "notify_exports_queued", "recover_stuck_exports", "release_exports",
}  # fmt: skip


async def _fill(tenant: Tenant) -> None:
    job_id = await tenant.new_job()
    await tenant.seal(job_id)
    await tenant.request_export(job_id)
    await tenant.query(
        "INSERT INTO idempotency_keys (organization_id, route, key)"
        " VALUES (%s, 'r', 'k')", tenant.organization_id,
    )  # fmt: skip


async def test_every_table_with_an_organization_has_forced_row_security(backend: Backend) -> None:
    rows = await backend.control(
        """
        SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relkind = 'r' AND a.attname = 'organization_id'
          AND c.relnamespace = 'public'::regnamespace
        ORDER BY c.relname
        """
    )
    assert rows == [{"relname": name, "forced": True} for name in TENANT_TABLES]


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_each_sees_its_own_rows(backend: Backend, table: str) -> None:
    tenants = [backend.tenant(), backend.tenant()]
    for tenant in tenants:
        await _fill(tenant)

    for tenant in tenants:
        rows = await tenant.query(f"SELECT organization_id FROM {table}")
        assert {row["organization_id"] for row in rows} == {tenant.organization_id}


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_the_owner_of_the_tables_sees_nothing_without_claims(
    backend: Backend, tenant: Tenant, table: str
) -> None:
    await _fill(tenant)
    async with backend.pool.connection() as connection:
        cursor = await connection.execute(f"SELECT count(*) AS n FROM {table}".encode())
        assert await cursor.fetchall() == [{"n": 0}]


async def test_claims_are_gone_with_their_transaction(backend: Backend, tenant: Tenant) -> None:
    """A setting that was set once reads '' afterwards, which must mean nobody and raise nothing."""
    await _fill(tenant)
    async with backend.pool.connection() as connection:
        await connection.execute("SELECT set_config('request.jwt.claims', '', true)")
        await connection.commit()
        cursor = await connection.execute("SELECT current_user AS who, count(*) AS n FROM exports")
        assert await cursor.fetchall() == [{"who": "backend", "n": 0}]


async def test_no_write_into_another_organization(backend: Backend, tenant: Tenant) -> None:
    for statement in (
        "INSERT INTO jobs (organization_id, title) VALUES (%s, 't')",
        ("INSERT INTO idempotency_keys (organization_id, route, key) VALUES (%s, 'r', 'k')"),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            await tenant.query(statement, uuid.uuid4())


@pytest.mark.parametrize(
    "statement",
    [
        (
            "INSERT INTO exports (organization_id, job_id, export_type)"
            " SELECT organization_id, id, 'ledger' FROM jobs"
        ),
        "UPDATE exports SET state = 'ready'",
        "DELETE FROM evidence",
        "UPDATE jobs SET title = 'x'",
        "SELECT * FROM ledger_salts",
        "SELECT * FROM workers",
        "SELECT claim_export_job('w')",
        "SELECT recover_stuck_exports('0 s')",
        "SELECT act_for_organization(gen_random_uuid())",
    ],
)
async def test_requests_may_not(tenant: Tenant, statement: str) -> None:
    await _fill(tenant)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await tenant.query(statement)


async def test_workers_cannot_read_the_salts(backend: Backend) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await backend.service("SELECT * FROM ledger_salts")


async def test_no_function_is_for_everybody(backend: Backend) -> None:
    rows = await backend.control(
        """
        SELECT p.proname AS name,
               has_function_privilege('anon', p.oid, 'EXECUTE') AS anon,
               has_function_privilege('authenticated', p.oid, 'EXECUTE') AS authenticated,
               has_function_privilege('service_role', p.oid, 'EXECUTE') AS service_role,
               p.proacl::text LIKE ANY (ARRAY['{=%%', '%%,=%%']) AS everybody,
               p.proconfig::text LIKE '%%search_path=pg_catalog, public, pg_temp%%' AS fixed_path
        FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace
        """
    )
    assert [row["name"] for row in rows if row["everybody"]] == []
    assert [row["name"] for row in rows if not row["fixed_path"]] == []
    by_anon = {row["name"] for row in rows if row["anon"]}
    assert by_anon == {"request_organization_id", "request_actor_id"}
    service = {row["name"] for row in rows if row["service_role"] and not row["authenticated"]}
    assert service == SERVICE_FUNCTIONS


async def test_views_ask_with_the_rights_of_the_asker(backend: Backend) -> None:
    rows = await backend.control(
        "SELECT reloptions FROM pg_class WHERE relkind = 'v'"
        " AND relnamespace = 'public'::regnamespace"
    )
    assert rows
    assert all("security_invoker=true" in row["reloptions"] for row in rows)


async def test_the_role_is_gone_with_its_transaction(backend: Backend, tenant: Tenant) -> None:
    one_connection = replace(backend.settings, db_pool_size=1)
    async with database.create_pool(one_connection) as pool:
        async with database.tenant_transaction(pool, tenant.claims) as connection:
            cursor = await connection.execute("SELECT current_user AS who")
            assert await cursor.fetchall() == [{"who": "authenticated"}]
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT current_user AS who, current_setting('request.jwt.claims', true) AS claims"
            )
            assert await cursor.fetchall() == [{"who": "backend", "claims": ""}]
