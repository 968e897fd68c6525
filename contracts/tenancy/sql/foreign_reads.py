"""Read every table and view in a request's role, and check whose rows are seen."""

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.tenancy.catalog.model import Catalog, Relation
from contracts.tenancy.catalog.tenants import TenantTable, organization_column
from contracts.tenancy.catalog.text_search import contains_text, quoted_column
from contracts.tenancy.sql.request_sql import Actor, Connection, attempt
from contracts.tenancy.sql.sql_tenant import SqlTenant
from harness.expect import expect


@dataclass(frozen=True)
class Reader:
    """Reads as an actor that has taken its role."""

    actor: Actor

    async def expect_own(
        self, relation: Relation, mine: SqlTenant, theirs: SqlTenant, *, all_of: int | None
    ) -> int:
        """Fail if other tenants' rows are seen, or not all `all_of` own rows.

        Returns the number of own rows, 0 where the relation has no organization column.
        """
        of_others = [contains_text(relation.columns_open_to(self.actor.role, "SELECT"))]
        own = "0"
        if owner := self._owner(relation):
            own = f"count(*) FILTER (WHERE {owner} = %(mine)s)"
            of_others.append(f"{owner} <> %(mine)s")
        outcome = await attempt(
            self.actor.connection,
            f"SELECT {own} AS own, "  # noqa: S608 - all names were quoted by the server
            f"count(*) FILTER (WHERE {' OR '.join(of_others)}) AS of_others "
            f"FROM {relation.name} AS r",
            {"mine": mine.id, "texts": sorted(theirs.markers)},
        )
        if outcome.error is not None:
            expect(
                all_of is None or outcome.denied,
                expected=f"{self.actor} to see the rows of its organization in {relation.name}",
                got=outcome.describe(),
            )
            return 0
        seen = outcome.rows[0]
        expect(
            not seen["of_others"],
            expected=f"{self.actor} to see no row of another organization, and no secret, "
            f"in {relation.name}",
            got=f"{seen['of_others']} of them",
        )
        expect(
            all_of is None or not owner or seen["own"] == all_of,
            expected=f"{self.actor} to see all its {all_of} rows in {relation.name}",
            got=f"{seen['own']} rows",
        )
        return int(seen["own"])

    async def expect_no_tenant(
        self, relation: Relation, of: Iterable[SqlTenant], *, errors: bool = True
    ) -> None:
        """Fail if any tenant's row is seen; also on an error, unless `errors` are accepted."""
        markers = sorted(marker for belongings in of for marker in belongings.markers)
        of_tenants = [contains_text(relation.columns_open_to(self.actor.role, "SELECT"))]
        if owner := self._owner(relation):
            of_tenants.append(f"{owner} IS NOT NULL")
        outcome = await attempt(
            self.actor.connection,
            f"SELECT count(*) AS seen FROM {relation.name} AS r "  # noqa: S608 - as above
            f"WHERE {' OR '.join(of_tenants)}",
            {"texts": markers},
        )
        if outcome.error is None:
            seen = outcome.rows[0]["seen"]
            expect(
                seen == 0,
                expected=f"{self.actor} to see no tenant's row, and no secret, in {relation.name}",
                got=f"{seen} rows",
            )
        else:
            expect(
                errors or outcome.denied,
                expected=f"{self.actor} to see no row and no error in {relation.name}: on a pooled "
                "connection the setting is '' after a SET LOCAL has ended",
                got=outcome.describe(),
            )

    def _owner(self, relation: Relation) -> str | None:
        """SQL for the organization of a row of `r`, None where the role cannot read it."""
        column = organization_column(relation)
        if column is None or not column.open_to(self.actor.role, "SELECT"):
            return None
        return f"r.{quoted_column(column.name)}::text"


def readable(catalog: Catalog, role: str) -> list[Relation]:
    """The relations that a role has SELECT on."""
    return [one for one in catalog.relations if one.columns_open_to(role, "SELECT")]


async def count_rows(
    connection: Connection, tables: list[TenantTable], organization: str
) -> dict[int, int]:
    """The number of an organization's rows by oid of the tenant table, ignoring row security."""
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
