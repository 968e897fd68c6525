"""Whether the roles of requests can read the salts of the ledger's hashes in a relation."""

from collections.abc import Sequence

import psycopg

from contracts.tenancy.catalog.model import Catalog, Relation
from contracts.tenancy.catalog.rule_results import RuleResult, table_rule
from contracts.tenancy.catalog.text_search import contains_text
from contracts.tenancy.sql.request_sql import Actor, attempt
from harness.database import Database
from harness.errors import Inconclusive
from harness.target import Target


async def salt_results(
    database: Database,
    relation: Relation,
    catalog: Catalog,
    target: Target,
    control_url: str | None,
) -> list[RuleResult]:
    """Look for the salts in all that each request role may read of this relation.

    The reader of the harness looks. A view may call functions that it must not execute, or that
    refuse to work outside of a request: then the role itself looks, where `control_url` is a
    connection that may become it. `Inconclusive` where no role could look.
    Relations with row-level security are left to `tenancy.direct-sql`.
    """
    if target.ledger is None or not target.ledger.salts or relation.row_security:
        return []
    salts = [salt.get_secret_value() for salt in target.ledger.salts.values()]
    results = []
    for role in catalog.request_roles:
        if columns := relation.columns_open_to(role, "SELECT"):
            statement = (
                f"SELECT EXISTS (SELECT FROM {relation.name} AS r "  # noqa: S608 - quoted by the server
                f"WHERE {contains_text(columns)}) AS found"
            )
            results.append(
                table_rule(
                    relation.name,
                    "salts",
                    not await _found(
                        database, relation, catalog.own_roles[role], statement, salts, control_url
                    ),
                    expected=f"no salt of the ledger's hashes readable in {relation.name}",
                    got=f"{role} may read one",
                )
            )
    return results


async def _found(
    database: Database,
    relation: Relation,
    role: str,
    statement: str,
    salts: Sequence[str],
    control_url: str | None,
) -> bool:
    parameters = {"texts": list(salts)}
    try:
        return bool((await database.fetch_one(statement, parameters))["found"])
    except psycopg.OperationalError:
        raise
    except (Inconclusive, psycopg.Error) as error:
        problem = str(error).partition("\n")[0]
    if control_url is None:
        raise Inconclusive(
            f"the database's reader cannot read {relation.name}, which {role} may read: {problem}; "
            "give it EXECUTE on the functions that this view calls"
        )
    async with (
        Database(control_url, writable=True).connect() as connection,
        connection.transaction(force_rollback=True),
        Actor(connection, role, None, "no claims").acting(),
    ):
        outcome = await attempt(connection, statement, parameters)
    # What the role cannot read in this way, either, it does not read.
    return outcome.error is None and bool(outcome.rows[0]["found"])
