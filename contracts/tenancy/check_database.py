"""Tenants in the database's catalog: row-level security on every table, and narrow privileges."""

from collections.abc import Iterable

from contracts.tenancy.catalog.privileges import claim_functions, privileges
from contracts.tenancy.catalog.read import read_catalog
from contracts.tenancy.catalog.row_security import row_security
from contracts.tenancy.catalog.rule_results import RuleResult, by_weight, expect_holds
from contracts.tenancy.catalog.tenants import tenant_tables
from contracts.tenancy.sql.readable_salts import salt_results
from harness.check import check
from harness.database import Database
from harness.errors import Inconclusive
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

CLAIM_FUNCTION = "claim_export_job"
"""Its name in the contract; a target file may set another one."""


@check(
    "tenancy.row-security",
    "Row-level security guards every tenant table",
    checklist="Verify row-level security",
    observes=3,
    needs={Capability.DATABASE},
)
async def check_row_security(
    database: Database, target: Target, observe: Observations, cover: Coverage, cells: Cells
) -> None:
    """Read the catalog and apply rules to every table, partition and view with tenant data.

    Row-level security is enabled and forced. No policy is `true`, no view bypasses it, and the
    roles of requests neither are superusers nor have BYPASSRLS.
    """
    catalog = await read_catalog(database, target)
    tables = tenant_tables(catalog, target)
    results = list(row_security(catalog, tables))
    observe(len(tables), what="tenant tables")
    await look_at(results, cells, cover)


@check(
    "tenancy.privileges",
    "Only workers claim; PUBLIC executes nothing",
    checklist="Verify database privileges",
    observes=11,
    needs={Capability.DATABASE},
)
async def check_privileges(
    database: Database,
    system: System,
    target: Target,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Read the catalog and apply rules to every function, role and schema.

    Only service_role may execute functions that claim or recover exports; PUBLIC may execute none.
    Functions have a fixed search_path. The roles of requests may not become a stronger role,
    create objects, TRUNCATE, or read the salts of the ledger.
    """
    catalog = await read_catalog(database, target)
    tables = tenant_tables(catalog, target)
    claim = target.claim.function if target.claim else CLAIM_FUNCTION
    results = list(
        privileges(catalog, tables, claim=claim, exports=target.tenant_tables["exports"])
    )
    results += [
        one
        for relation in catalog.relations
        for one in await salt_results(database, relation, catalog, target, system.control_url)
    ]
    observe(len(results), what="rules applied to functions, roles and tables")
    await look_at(by_weight(results), cells, cover)
    if claim and not claim_functions(catalog, claim):
        raise Inconclusive(
            f"privileges of {claim} were not checked: the database has no such function"
        )


async def look_at(results: Iterable[RuleResult], cells: Cells, cover: Coverage) -> None:
    """Take each rule, applied to one table, function, role or schema, as a cell."""
    for one in results:
        where = {one.kind: one.name, "what": one.rule}
        async with cells.of(**where):
            cover(f"{one.kind}s", **{one.kind: one.name, "rule": one.rule})
            expect_holds(one)
