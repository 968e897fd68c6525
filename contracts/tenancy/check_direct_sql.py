"""Tenants told apart by the database itself, asked in SQL as the API asks for a request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from contracts.tenancy.catalog import read_catalog
from contracts.tenancy.catalog.tenants import contract_tables, tenant_tables
from contracts.tenancy.sql.isolation import SqlIsolation, expect_isolated
from contracts.tenancy.sql.request_sql import claims_of
from contracts.tenancy.sql.sql_tenant import furnish
from contracts.tenancy.sql.tenant_claims import has_contract_claims
from harness.check import check
from harness.client import Organization, Organizations, Samples, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target


@check(
    "tenancy.direct-sql",
    "In SQL, too, a request's role sees and changes its own organization's rows and no others",
    checklist="Verify row-level security",
    observes=18,
    needs={Capability.TENANTS, Capability.DATABASE, Capability.DATABASE_CONTROL},
)
async def check_direct_sql(
    system: System,
    target: Target,
    organizations: Organizations,
    org: Organization,
    other_org: Organization,
    samples: Samples,
    observe: Observations,
    cover: Coverage,
) -> None:
    made = await together([furnish(org, samples), furnish(other_org, samples)])
    mine, theirs = (replace(one, marks=one.marks | salts_of(target)) for one in made)
    async with opened(system) as database:
        catalog = await read_catalog(database)
        context = SqlIsolation(
            catalog=catalog,
            tables=tenant_tables(catalog, target),
            exports=contract_tables(target)["exports"],
            claims={one.id: claims_of(organizations, one) for one in (org, other_org)},
            others={
                one.id: {
                    role: claims_of(organizations, one, role)
                    for role in one.users
                    if role != "member"
                }
                for one in (org, other_org)
            },
            standard=has_contract_claims(organizations.recipe.claims),
            observe=observe,
            cover=cover,
        )
        await expect_isolated(context, database, mine, theirs)


def salts_of(target: Target) -> frozenset[str]:
    """Give the salts of the ledger's hashes, which are for nobody's requests to see."""
    salts = target.ledger.salts.values() if target.ledger else ()
    return frozenset(salt.get_secret_value() for salt in salts)


@asynccontextmanager
async def opened(system: System) -> AsyncIterator[Database]:
    """The database, for one who may become any role. What is done there is rolled back."""
    if system.control_url is None:
        raise Inconclusive("this target gives no control of its database")
    database = Database(system.control_url, writable=True)
    try:
        yield database
    finally:
        await database.close()
