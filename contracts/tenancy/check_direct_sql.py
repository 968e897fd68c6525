"""Tenants are isolated by the database itself, asked in SQL as the API asks for a request."""

from contracts.shared.tenants.populated_tenant import populate_all
from contracts.tenancy.catalog.read import read_catalog
from contracts.tenancy.catalog.tenants import tenant_tables
from contracts.tenancy.sql.isolation import SqlIsolation
from contracts.tenancy.sql.request_sql import claims_of
from contracts.tenancy.sql.sql_tenant import sql_tenant
from contracts.tenancy.sql.tenant_claims import has_contract_claims
from harness.check import check
from harness.client import Organization, Organizations, Samples
from harness.database import NO_CONTROL, Database
from harness.errors import Inconclusive
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target
from harness.target.sql.export_table import CONTRACT_EXPORTS, ExportTable


@check(
    "tenancy.direct-sql",
    "In SQL a request sees only its organization's rows",
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
    cells: Cells,
) -> None:
    """Act in the database as `anon` and `authenticated`, with many kinds of claims.

    With an organization's claims, all its rows and no others are seen; without them, no rows.
    No INSERT, UPDATE, DELETE or function call reaches another organization's rows. Everything is
    rolled back.
    """
    salts = target.ledger.salts.values() if target.ledger else ()
    secrets = frozenset(salt.get_secret_value() for salt in salts)
    mine, theirs = (
        sql_tenant(
            tenant,
            secrets,
            {role: claims_of(organizations, tenant.org, role) for role in tenant.org.users},
        )
        for tenant in await populate_all([org, other_org], samples)
    )
    async with _database(system) as database:
        catalog = await read_catalog(database, target)
        isolation = SqlIsolation(
            catalog=catalog,
            tables=tenant_tables(catalog, target),
            exports=ExportTable.of(target) or CONTRACT_EXPORTS,
            mine=mine,
            theirs=theirs,
            has_contract_claims=has_contract_claims(organizations.recipe.sql_claims),
            observe=observe,
            cover=cover,
            cells=cells,
        )
        recipe = organizations.recipe
        is_told = recipe.names_organization or recipe.database_claims is not None
        if not is_told and not await isolation.sees_own_rows(database):
            raise Inconclusive(
                "the backend looks organizations up, and with a token's claims SQL sees no rows: "
                "write the claims that the API sets for a request into [tokens.tenants] "
                'sql_claims = { sub = "{user}", … }, with {user}, {organization} and {role}'
            )
        await isolation.expect_isolated(database)


def _database(system: System) -> Database:
    """The database, for a user who may become any role."""
    if system.control_url is None:
        raise Inconclusive(NO_CONTROL)
    return Database(system.control_url, writable=True)
