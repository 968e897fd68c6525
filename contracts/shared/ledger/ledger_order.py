"""How the rows of a ledger are really numbered and ordered, whatever the target file says."""

from collections.abc import Mapping
from importlib.resources import files

from psycopg import sql

from harness.database import Database
from harness.target.sql.ledger_table import LedgerTable

_COLUMNS = (
    files("contracts.shared.ledger").joinpath("sortable_columns.sql").read_text(encoding="utf-8")
)


async def has_one_sequence(database: Database, table: LedgerTable) -> bool:
    """Whether the events of several organizations have numbers that are all different."""
    row = await _numbers(database, table)
    return bool(row["organizations"] > 1 and row["events"] == row["numbers"])


async def counts_in_each(database: Database, table: LedgerTable) -> bool:
    """Whether each of several organizations counts its events 1, 2, 3 …."""
    row = await _numbers(database, table)
    return bool(row["organizations"] > 1 and row["counted"])


async def _numbers(database: Database, table: LedgerTable) -> Mapping[str, int | bool]:
    number, organization = table.column("ledger_seq"), table.column("organization_id")
    return await database.fetch_one(
        f"""
        SELECT count(*) AS organizations, sum(events)::bigint AS events,
               (SELECT count(DISTINCT {number}) FROM {table.name}) AS numbers,
               bool_and(first = 1 AND last = events AND numbers = events) AS counted
        FROM (SELECT count(*) AS events, count(DISTINCT {number}) AS numbers,
                     min({number}) AS first, max({number}) AS last
              FROM {table.name} GROUP BY {organization}) AS by_organization
        """,  # noqa: S608 - names of table and columns come from the target file
        {},
    )


async def places_by_column(
    database: Database, table: LedgerTable, organization_id: str
) -> Mapping[str, Mapping[str, int]]:
    """Give, for each column that can order events, each event's place in its order, by its id."""
    known = await database.fetch(_COLUMNS, {"table": table.name})
    columns = [str(row["name"]) for row in known]
    if not columns:
        return {}
    places = ", ".join(
        f"rank() OVER (ORDER BY {sql.Identifier(name).as_string(None).replace('%', '%%')}) "
        f"AS place_{number}"
        for number, name in enumerate(columns)
    )
    rows = await database.fetch(
        f"""
        SELECT to_jsonb({table.column("id")}) #>> '{{}}' AS id, {places}
        FROM {table.name} WHERE {table.of()}
        """,  # noqa: S608 - names of table and columns come from the target file and the catalog
        {"organization_id": organization_id},
    )
    return {
        name: {str(row["id"]): int(row[f"place_{number}"]) for row in rows}
        for number, name in enumerate(columns)
    }
