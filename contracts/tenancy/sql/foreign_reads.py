"""Reading every table and view in a request's role: what is seen, and whose it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.tenancy.catalog import Catalog, Relation
from contracts.tenancy.catalog.tenants import TenantTable, organization_column
from contracts.tenancy.catalog.text_search import contains_text, quoted_column
from contracts.tenancy.sql.request_sql import Connection, attempt
from contracts.tenancy.sql.sql_tenant import SqlTenant
from harness.expect import expect


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads on a connection that acts in a role of requests, with claims of one kind."""

    connection: Connection
    role: str
    asked: str
    """How a message speaks of the claims."""

    @property
    def who(self) -> str:
        """How a message speaks of whoever asks."""
        return f"{self.role} with {self.asked}"

    async def expect_own(
        self, relation: Relation, mine: SqlTenant, theirs: SqlTenant, *, all_of: int | None
    ) -> int:
        """Fail unless nothing is seen of others, and all of one's own where that number is known.

        Gives how many of one's own rows were seen, as far as the relation says whose they are.
        """
        of_others = [contains_text(relation.columns_open_to(self.role, "SELECT"))]
        own = "0"
        if owner := self._owner(relation):
            own = f"count(*) FILTER (WHERE {owner} = %(mine)s)"
            of_others.append(f"{owner} <> %(mine)s")
        outcome = await attempt(
            self.connection,
            f"SELECT {own} AS own, "  # noqa: S608 - all names were quoted by the server
            f"count(*) FILTER (WHERE {' OR '.join(of_others)}) AS of_others "
            f"FROM {relation.name} AS r",
            {"mine": mine.id, "texts": sorted(theirs.marks)},
        )
        if outcome.error is not None:
            expect(
                all_of is None or outcome.denied,
                expected=f"{self.who} to see the rows of its organization in {relation.name}",
                got=outcome.describe(),
            )
            return 0
        seen = outcome.rows[0]
        expect(
            not seen["of_others"],
            expected=f"{self.who} to see no row of another organization, and no secret, "
            f"in {relation.name}",
            got=f"{seen['of_others']} of them",
        )
        expect(
            all_of is None or not owner or seen["own"] == all_of,
            expected=f"{self.who} to see all {all_of} rows of its organization in {relation.name}",
            got=f"{seen['own']} rows",
        )
        return int(seen["own"])

    async def expect_no_tenant(
        self, relation: Relation, of: Iterable[SqlTenant], *, errors: bool = True
    ) -> None:
        """Fail when any tenant's row is seen, or an error where that is not as good."""
        marks = sorted(mark for belongings in of for mark in belongings.marks)
        of_tenants = [contains_text(relation.columns_open_to(self.role, "SELECT"))]
        if owner := self._owner(relation):
            of_tenants.append(f"{owner} IS NOT NULL")
        outcome = await attempt(
            self.connection,
            f"SELECT count(*) AS seen FROM {relation.name} AS r "  # noqa: S608 - as above
            f"WHERE {' OR '.join(of_tenants)}",
            {"texts": marks},
        )
        if outcome.error is None:
            seen = outcome.rows[0]["seen"]
            expect(
                seen == 0,
                expected=f"{self.who} to see no tenant's row, and no secret, in {relation.name}",
                got=f"{seen} rows",
            )
        else:
            expect(
                errors or outcome.denied,
                expected=f"{self.who} to see no row in {relation.name}, and no error: on a pooled "
                "connection the setting reads '' once a SET LOCAL has ended",
                got=outcome.describe(),
            )

    def _owner(self, relation: Relation) -> str | None:
        """SQL for whose a row of `r` is, None where the role cannot see it."""
        column = organization_column(relation)
        if column is None or not column.open_to(self.role, "SELECT"):
            return None
        return f"r.{quoted_column(column.name)}::text"


def readable(catalog: Catalog, role: str) -> list[Relation]:
    """Give what a role of requests may read at all, whatever policies then leave of it."""
    return [one for one in catalog.relations if one.columns_open_to(role, "SELECT")]


async def stored_rows(
    connection: Connection, tables: list[TenantTable], organization: str
) -> dict[int, int]:
    """Count an organization's rows in each tenant table, by its oid, past all row security."""
    counts = {}
    for table in tables:
        if table.organization is not None:
            cursor = await connection.execute(
                f"SELECT count(*) AS stored FROM {table.relation.name} "  # noqa: S608 - as above
                f"WHERE {quoted_column(table.organization.name)}::text = %s",
                [organization],
            )
            row = await cursor.fetchone()
            counts[table.relation.oid] = int(row["stored"]) if row else 0
    return counts
