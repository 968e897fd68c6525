"""Requests on pooled connections: each in its own name, and nothing of it left for the next."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from contracts.tenancy.alternating_load import Load, Tenant, tenant
from contracts.tenancy.catalog import read_catalog
from contracts.tenancy.catalog.tenants import tenant_tables
from contracts.tenancy.sql.session_proxy import SessionLog, session_proxy
from harness.check import check
from harness.client import Organizations, Samples, mint, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect
from harness.plugin.observations import Observations
from harness.system import System, launch_sibling
from harness.target import Capability, Target
from harness.target.template import fill

CONCURRENT_ROUNDS = 2
"""Rounds in which several requests are under way at once, after one in which none are."""

AT_ONCE = 8

SETTLED_WITHIN_S = 3.0
"""How long what an impatient client has begun may still take after the last answer."""

NOT_FOR_REQUESTS = """
    CREATE POLICY shakedown_not_for_requests ON {table} AS RESTRICTIVE USING (
        'authenticated' <> ALL (ARRAY[current_user, session_user, current_setting('role')]::text[])
    )
"""
"""Hides every row from whoever acts as `authenticated`, in functions of its owner as well."""


@check(
    "tenancy.pooled-connections",
    "Requests run as authenticated, each with its own claims, and none are left on a connection",
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
) -> None:
    spawns = Capability.SPAWN in target.capabilities()
    if system.database_url is None or system.control_url is None or not spawns:
        load = await two_tenants(organizations, samples)
        await load.run(concurrent_rounds=CONCURRENT_ROUNDS, at_once=AT_ONCE)
        raise Inconclusive(
            "no answer under alternating load showed another organization's data, but this target "
            "gives no way to look at what is left on the backend's connections"
        )
    async with proxied_api(system, target) as proxied:
        load = await two_tenants(proxied.organizations, samples)
        answered = await load.run(concurrent_rounds=CONCURRENT_ROUNDS, at_once=AT_ONCE)
        await expect_nothing_left(proxied.seen, load)
        observe(min(answered, proxied.seen.looks), what="looks at an idle connection")
        await expect_role_authenticated(proxied, target, load.first)


@dataclass(frozen=True, kw_only=True)
class ProxiedApi:
    """An API instance of the check's own, whose every connection to the database is watched."""

    organizations: Organizations
    control_database: Database
    seen: SessionLog


@asynccontextmanager
async def proxied_api(system: System, target: Target) -> AsyncIterator[ProxiedApi]:
    """Start an API instance on a database of its own that it reaches through the watcher."""
    own = await launch_sibling(system, api_instances=0, workers=0)
    try:
        assert own.database_url is not None
        assert own.control_url is not None
        host = own.harness_host
        if host is None:
            raise Inconclusive(
                "containers of this engine cannot reach a server that the harness runs, so their "
                "connections to the database cannot be led through it"
            )
        async with session_proxy(own.database_url, host) as (url, seen):
            environment = environment_with_database_url(url, target, own.plan.values)
            instance = await own.start("api", environment)
            if not seen.connections:
                raise Inconclusive("the API reached its database on another way than DATABASE_URL")
            control = Database(own.control_url, writable=True)
            try:
                async with Organizations.of(target, [instance.base_url]) as organizations:
                    yield ProxiedApi(
                        organizations=organizations, control_database=control, seen=seen
                    )
            finally:
                await control.close()
    finally:
        await own.close()


def environment_with_database_url(
    url: str, target: Target, values: Mapping[str, str]
) -> dict[str, str]:
    """Give the API's variables that name the database, naming it by another URL.

    `Inconclusive` when the target tells its API in another way where the database is.
    """
    templates = {**target.environment, **target.api.environment}
    known = {**target.values, **values, "database_url": url}
    found = {
        name: fill(text, known) for name, text in templates.items() if "{database_url}" in text
    }
    if not found:
        raise Inconclusive(
            "no variable of the API's environment in the target file has "
            "{database_url} in it, so its connections cannot be watched"
        )
    return found


async def two_tenants(organizations: Organizations, samples: Samples) -> Load:
    """Two organizations with something to see each, and two clients who belong to neither."""
    made = await organizations.several(2)
    first, second = await together(tenant(one, samples) for one in made)
    without = replace(organizations.recipe, claims=less_organization(organizations.recipe.claims))
    token = mint(without, user=first.organization.users["member"], organization="", role="member")
    return Load(
        first=first,
        second=second,
        nobody=organizations.with_token(token),
        stranger=organizations.with_token(None),
        samples=samples,
    )


def less_organization(template: Mapping[str, Any]) -> dict[str, Any]:
    """Give a template of claims without whatever names the organization."""
    return {
        name: less_organization(value) if isinstance(value, Mapping) else value
        for name, value in template.items()
        if not (isinstance(value, str) and "{organization}" in value)
    }


async def expect_nothing_left(seen: SessionLog, load: Load) -> None:
    """Fail if an idle connection still had an organization's or a user's name in a setting.

    A transaction that was never ended keeps its claims as well.
    """
    open_still = await seen.transactions_left(within_s=SETTLED_WITHIN_S)
    expect(
        not open_still,
        expected="every transaction to have ended once its request has",
        got=f"{len(open_still)} connections are still within one {SETTLED_WITHIN_S:g} s after the "
        f"last answer, the last statement on one of them {next(iter(open_still.values()), '')!r}",
    )
    if not seen.looks:
        raise Inconclusive(f"no look at an idle connection succeeded: {seen.trouble[:3]}")
    organizations = [load.first.organization, load.second.organization]
    names = [name for one in organizations for name in (one.id, *one.users.values())]
    left = [one for one in seen.leftovers if any(name in one.value for name in names)]
    expect(
        not left,
        expected="no claim left on a connection once the transaction of its request has ended",
        got=f"{left[0].setting} = {left[0].value[:200]!r} on an idle connection, after "
        f"{left[0].after!r}; {len(left)} of {seen.looks} looks at {seen.connections} connections "
        "found one"
        if left
        else "",
    )


async def expect_role_authenticated(proxied: ProxiedApi, target: Target, own: Tenant) -> None:
    """Fail if a request still sees rows that are hidden from `authenticated` and nobody else."""
    for table in tenant_tables(await read_catalog(proxied.control_database), target):
        if table.named and table.relation.row_security:
            await proxied.control_database.fetch(NOT_FOR_REQUESTS.format(table=table.relation.name))
    asked: list[tuple[str, dict[str, str]]] = [
        ("getJob", {"job_id": own.job_id}),
        ("listJobs", {}),
        ("listEvidence", {"job_id": own.job_id}),
        ("getEvidence", {"evidence_id": own.evidence_id}),
        ("getEvidenceContent", {"evidence_id": own.evidence_id}),
        ("listExports", {"job_id": own.job_id}),
        ("getExport", {"export_id": own.export_id}),
        ("listLedgerEvents", {}),
    ]
    for operation_id, path in asked:
        answer = await own.client.call(operation_id, path=path)
        shown = answer.status == 200 and (not operation_id.startswith("list") or bool(answer.items))
        expect(
            not shown,
            expected=f"the queries of {operation_id} to run as the role authenticated, "
            "from which a policy of ours hides every row now",
            got=f"they still see rows: {answer.describe()}",
        )
