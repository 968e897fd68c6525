"""Search for texts in all columns of a relation."""

from collections.abc import Iterable

from psycopg import sql

from contracts.tenancy.catalog.model import Column


def contains_text(columns: Iterable[Column]) -> str:
    """A condition on rows of `r`: one of the texts `%(texts)s` is in one of the columns."""
    texts = ", ".join(f"r.{quoted_column(column.name)}::text" for column in columns)
    return (
        "EXISTS (SELECT FROM unnest(%(texts)s::text[]) AS wanted "
        f"WHERE strpos(array_to_string(ARRAY[{texts}]::text[], ' '), wanted) > 0)"
    )


def quoted_column(name: str) -> str:
    """A column's name, quoted for SQL with parameters."""
    return sql.Identifier(name).as_string().replace("%", "%%")
