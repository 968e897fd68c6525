"""Requests on pooled connections: each has its own claims, and leaves none for the next one."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from psycopg import sql

from contracts.tenancy.alternating_load import AlternatingLoad, Tenant, create_tenant
from contracts.tenancy.catalog.read import read_catalog
from contracts.tenancy.catalog.tenants import tenant_tables
from contracts.tenancy.sql.session_conversation import SessionLog
from contracts.tenancy.sql.session_proxy import session_proxy
from harness.check import check
from harness.client import Organizations, Samples, mint, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.system import System, launch_sibling
from harness.target import Capability, Target
from harness.target.values.template import fill

CONCURRENT_ROUNDS = 2
"""Rounds with concurrent requests, after one round with one request at a time."""

AT_ONCE = 8

ENDED_WITHIN_S = 3.0
"""How long transactions of disconnected clients may last after the last answer."""

NOT_FOR_REQUESTS = """
    CREATE POLICY shakedown_not_for_requests ON {table} AS RESTRICTIVE USING (
        {role} <> ALL (ARRAY[current_user, session_user, current_setting('role')]::text[])
    )
"""
"""Hides every row from requests as `authenticated`, also in functions of the owner."""


@check(
    "tenancy.pooled-connections",
    "Pooled connections keep no claims of a request",
    checklist="Verify tenant isolation under load",
    observes=100,
    needs={Capability.TENANTS, Capability.LOAD},
)
async def check_pooled_connections(
    system: System,
    target: Target,
    organizations: Organizations,
    samples: Samples,
    observe: Observations,
    cells: Cells,
) -> None:
    """Two organizations, and clients without one, alternate on an API instance's few connections.

    No answer shows another organization's data. A proxy before PostgreSQL reads the settings of
    every idle connection: no claims may be left. The queries must run as `authenticated`.
    """
    spawns = Capability.SPAWN in target.capabilities()
    if system.database_url is None or system.control_url is None or not spawns:
        load = await two_tenants(organizations, samples, cells)
        await load.run(concurrent_rounds=CONCURRENT_ROUNDS, at_once=AT_ONCE)
        raise Inconclusive(
            "no answer under alternating load showed another organization's data, but database "
            "connections were not checked: this target does not let us start an API with a proxy"
        )
    async with proxied_api(system, target) as proxied:
        load = await two_tenants(proxied.organizations, samples, cells)
        answered = await load.run(concurrent_rounds=CONCURRENT_ROUNDS, at_once=AT_ONCE)
        async with cells.of(what="open transactions"):
            await expect_none_open(proxied.seen)
        async with cells.of(what="settings of idle connections"):
            expect_no_claims_left(proxied.seen, load)
            observe(min(answered, proxied.seen.looks), what="inspections of an idle connection")
        await look_at_database_role(proxied, target, load.first, cells)


@dataclass(frozen=True, kw_only=True)
class ProxiedApi:
    """An API instance of this check, whose database connections go through a proxy."""

    organizations: Organizations
    control_database: Database
    seen: SessionLog


@asynccontextmanager
async def proxied_api(system: System, target: Target) -> AsyncIterator[ProxiedApi]:
    """Start an API instance with a database of its own, which it reaches through a proxy."""
    own = await launch_sibling(system, api_instances=0, workers=0)
    try:
        assert own.database_url is not None
        assert own.control_url is not None
        host = own.harness_host
        if host is None:
            raise Inconclusive(
                "containers of this engine cannot reach a server of the harness, so their database "
                "connections cannot go through a proxy"
            )
        async with session_proxy(own.database_url, host) as (url, seen):
            environment = environment_with_database_url(url, target, own.plan.values)
            instance = await own.start("api", environment)
            if not seen.connections:
                raise Inconclusive("the API did not use DATABASE_URL to reach its database")
            async with (
                Database(own.control_url, writable=True) as control,
                Organizations.of(
                    own.target, [instance.base_url], control_url=own.control_url
                ) as organizations,
            ):
                yield ProxiedApi(organizations=organizations, control_database=control, seen=seen)
    finally:
        await own.close()


def environment_with_database_url(
    url: str, target: Target, values: Mapping[str, str]
) -> dict[str, str]:
    """The API's environment variables with the database URL, replaced by this one.

    `Inconclusive` if the target passes the database URL in another way.
    """
    templates = {**target.environment, **target.api.environment}
    known = {**target.values, **values, "database_url": url}
    found = {
        name: fill(text, known) for name, text in templates.items() if "{database_url}" in text
    }
    if not found:
        raise Inconclusive(
            "no variable of the API's environment in the target file contains "
            "{database_url}, so its connections cannot go through a proxy"
        )
    return found


async def two_tenants(
    organizations: Organizations, samples: Samples, cells: Cells
) -> AlternatingLoad:
    """Two organizations with data, and two clients without an organization."""
    made = await organizations.several(2)
    first, second = await together(create_tenant(one, samples) for one in made)
    without = replace(
        organizations.recipe, claims=claims_without_organization(organizations.recipe.claims)
    )
    # Where the backend looks the organization up, only an unknown user has none.
    member = first.organization.users["member"]
    user = member if organizations.recipe.names_organization else str(uuid4())
    token = mint(without, user=user, organization="", role="member")
    return AlternatingLoad(
        first=first,
        second=second,
        without_organization=organizations.with_token(token),
        without_token=organizations.with_token(None),
        samples=samples,
        cells=cells,
        no_organization=(403,) if organizations.recipe.names_organization else (401, 403),
    )


def claims_without_organization(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template of claims without the values that name the organization."""
    return {
        name: claims_without_organization(value) if isinstance(value, Mapping) else value
        for name, value in template.items()
        if not (isinstance(value, str) and "{organization}" in value)
    }


async def expect_none_open(seen: SessionLog) -> None:
    """Fail if a transaction stays open after its request."""
    still_open = await seen.transactions_left(within_s=ENDED_WITHIN_S)
    expect(
        not still_open,
        expected="every transaction to end with its request",
        got=f"{len(still_open)} open transactions {ENDED_WITHIN_S:g} s after the last answer; the "
        f"last statement of one: {next(iter(still_open.values()), '')!r}",
    )


def expect_no_claims_left(seen: SessionLog, load: AlternatingLoad) -> None:
    """Fail if an idle connection has claims in a setting."""
    if not seen.looks:
        raise Inconclusive(f"no idle connection could be inspected: {seen.trouble[:3]}")
    organizations = [load.first.organization, load.second.organization]
    names = [name for one in organizations for name in (one.id, *one.users.values())]
    left = [one for one in seen.leftovers if any(name in one.value for name in names)]
    expect(
        not left,
        expected="no claims on a connection after the transaction of the request",
        got=f"{left[0].setting} = {left[0].value[:200]!r} on an idle connection, after "
        f"{left[0].after!r}; {len(left)} such settings in {seen.looks} inspections of "
        f"{seen.connections} connections"
        if left
        else "",
    )


async def look_at_database_role(
    proxied: ProxiedApi, target: Target, own: Tenant, cells: Cells
) -> None:
    """Judge that no request sees rows after a policy hides them from `authenticated`."""
    own_role = target.database_roles.get("authenticated")
    if not own_role:
        raise Inconclusive(
            '[catalog.roles] says that requests have no role of their own (authenticated = ""): '
            "the role of their queries cannot be checked"
        )
    role = sql.Literal(own_role).as_string(None)
    for table in tenant_tables(await read_catalog(proxied.control_database, target), target):
        if table.named and table.relation.row_security:
            await proxied.control_database.fetch(
                NOT_FOR_REQUESTS.format(table=table.relation.name, role=role)
            )
    reads: list[tuple[str, dict[str, str]]] = [
        ("getJob", {"job_id": own.job["id"]}),
        ("listJobs", {}),
        ("listEvidence", {"job_id": own.job["id"]}),
        ("getEvidence", {"evidence_id": own.evidence_id}),
        ("getEvidenceContent", {"evidence_id": own.evidence_id}),
        ("listExports", {"job_id": own.job["id"]}),
        ("getExport", {"export_id": own.export_id}),
        ("listLedgerEvents", {}),
    ]
    for operation_id, path in reads:
        async with cells.of(operation=operation_id, what="role in the database"):
            answer = await own.client.call(operation_id, path=path)
            is_list = operation_id.startswith("list")
            expect(
                answer.status != 200 or (is_list and not answer.items),
                expected=f"{operation_id} to query as the role authenticated, from which a policy "
                "of this check hides every row",
                got=f"it still returns rows: {answer.describe()}",
            )
