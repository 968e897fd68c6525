"""SQL with named parameters, filled in as literals.

Literals, because a step is then any SQL that a team would type into psql, several statements
included, and because values read as text (a token of any type) are sent back unchanged.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_PLACE = re.compile(r"%\((?P<name>\w*)\)s|%%")

Value = str | int | None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One or more SQL statements with places for values, written `%(name)s` as in psycopg."""

    sql: str

    @property
    def parameters(self) -> frozenset[str]:
        """The names of its places."""
        return frozenset(
            found["name"] for found in _PLACE.finditer(self.sql) if found["name"] is not None
        )

    def unknown_parameters(self, known: Collection[str]) -> list[str]:
        """Give the names that are not known."""
        return sorted(self.parameters - set(known))

    def fill(self, values: Mapping[str, Value]) -> str:
        """Put the values in; raises `KeyError` for a place without one."""

        def literal(found: re.Match[str]) -> str:
            return "%" if found["name"] is None else quote(values[found["name"]])

        return _PLACE.sub(literal, self.sql)


def quote(value: Value) -> str:
    """Write a value as an SQL literal, safe whatever `standard_conforming_strings` says.

    Raises `ValueError` for a text with a NUL, which PostgreSQL has no way to write.
    """
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value) if value >= 0 else f"({value})"
    if "\0" in value:
        raise ValueError("a text with a NUL byte cannot be a value in SQL")
    doubled = value.replace("'", "''")
    return f" E'{doubled}'".replace("\\", "\\\\") if "\\" in value else f"'{doubled}'"
