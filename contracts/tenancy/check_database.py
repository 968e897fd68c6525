"""Tenants in the database's catalog: row security on every table, and nobody's rights too wide."""

from collections.abc import Iterable

from contracts.tenancy.catalog import REQUEST_ROLES, Relation, read_catalog
from contracts.tenancy.catalog.privileges import claim_functions, privileges
from contracts.tenancy.catalog.row_security import row_security
from contracts.tenancy.catalog.rule_results import RuleResult, expect_no_violations, rule_result
from contracts.tenancy.catalog.tenants import contract_tables, tenant_tables
from contracts.tenancy.catalog.text_search import contains_text
from harness.check import check
from harness.database import Database
from harness.errors import Inconclusive
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

CLAIM_FUNCTION = "claim_export_job"
"""What the contract calls it; a target file may say otherwise."""


@check(
    "tenancy.row-security",
    "Row security is enabled and forced on every table of tenants, and nothing goes around it",
    checklist="Verify row-level security",
    observes=3,
    needs={Capability.DATABASE},
)
async def check_row_security(
    database: Database, target: Target, observe: Observations, cover: Coverage
) -> None:
    catalog = await read_catalog(database)
    tables = tenant_tables(catalog, target)
    results = list(row_security(catalog, tables))
    note(cover, results)
    observe(len(tables), what="tenant tables")
    expect_no_violations(results)


@check(
    "tenancy.privileges",
    "Nobody but workers claims, PUBLIC executes nothing, and no function trusts its caller's path",
    checklist="Verify database privileges",
    observes=11,
    needs={Capability.DATABASE},
)
async def check_privileges(
    database: Database, target: Target, observe: Observations, cover: Coverage
) -> None:
    catalog = await read_catalog(database)
    tables = tenant_tables(catalog, target)
    claim = target.claim.function if target.claim else CLAIM_FUNCTION
    results = list(
        privileges(catalog, tables, claim=claim, exports=contract_tables(target)["exports"])
    )
    results += [
        one
        for relation in catalog.relations
        for one in await salt_results(database, relation, target)
    ]
    note(cover, results)
    observe(len(results), what="rules applied to functions, roles and tables")
    expect_no_violations(results)
    if not claim_functions(catalog, claim):
        raise Inconclusive(f"there is no function {claim} in the database whose rights to look at")


def note(cover: Coverage, results: Iterable[RuleResult]) -> None:
    """Tell in the report which rules were applied to what."""
    for one in results:
        cover(f"{one.kind}s", **{one.kind: one.about, "rule": one.rule})


async def salt_results(database: Database, relation: Relation, target: Target) -> list[RuleResult]:
    """Look whether the salts of the ledger's hashes lie where a request could read them.

    Where row security guards the relation, what a role really sees is another check's business.
    """
    if target.ledger is None or relation.row_security:
        return []
    salts = [salt.get_secret_value() for salt in target.ledger.salts.values()]
    results = []
    for role in REQUEST_ROLES:
        if columns := relation.columns_open_to(role, "SELECT"):
            found = await database.fetch_one(
                f"SELECT EXISTS (SELECT FROM {relation.name} AS r "  # noqa: S608 - quoted by the server
                f"WHERE {contains_text(columns)}) AS found",
                {"texts": salts},
            )
            results.append(
                rule_result(
                    "table",
                    relation.name,
                    "salts",
                    not found["found"],
                    expected="the salts of the ledger's hashes to be secrets",
                    got=f"{role} may read one in {relation.name}",
                )
            )
    return results
