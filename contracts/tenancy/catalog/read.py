"""Read the catalog with three queries, for any schema of a backend."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from contracts.tenancy.catalog.model import (
    REQUEST_ROLES,
    ROLES,
    WORKER_ROLE,
    Argument,
    Catalog,
    Column,
    Function,
    Policy,
    Relation,
    Role,
)
from harness.database import Database, Row


async def read_catalog(database: Database) -> Catalog:
    """Read everything that the backend created in its database."""
    relations = await database.fetch(_sql("relations"), {"roles": list(REQUEST_ROLES)})
    functions = await database.fetch(
        _sql("functions"), {"roles": list(ROLES), "worker_role": WORKER_ROLE}
    )
    roles = await database.fetch(_sql("roles"), {"roles": list(ROLES)})
    return Catalog(
        relations=tuple(map(_relation, relations)),
        functions=tuple(map(_function, functions)),
        roles=tuple(map(_role, roles)),
    )


def _sql(name: str) -> str:
    return (files("contracts.tenancy.catalog") / f"{name}.sql").read_text(encoding="utf-8")


def _relation(row: Row) -> Relation:
    return Relation(
        **_with_sets(row)
        | {
            "columns": tuple(map(_column, row["columns"])),
            "granted": _granted(row["granted"]),
            "policies": tuple(Policy(**_with_sets(policy)) for policy in row["policies"]),
        }
    )


def _column(plain: dict[str, Any]) -> Column:
    return Column(**plain | {"granted": _granted(plain["granted"])})


def _granted(plain: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    return {role: frozenset(held) for role, held in plain.items()}


def _function(row: Row) -> Function:
    arguments = tuple(Argument(**argument) for argument in row["arguments"])
    return Function(**_with_sets(row) | {"arguments": arguments, "granted": tuple(row["granted"])})


def _role(row: Row) -> Role:
    return Role(**_with_sets(row))


def _with_sets(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row, its lists of names and oids as sets."""
    return {
        name: frozenset(value)
        if isinstance(value, list) and all(isinstance(each, str | int) for each in value)
        else value
        for name, value in row.items()
    }
