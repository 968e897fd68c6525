"""Read the catalog with three queries, for any schema of a backend."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

from contracts.tenancy.catalog.ignored import without_ignored
from contracts.tenancy.catalog.model import (
    REQUEST_ROLES,
    WORKER_ROLE,
    Argument,
    Catalog,
    Column,
    Function,
    Policy,
    Relation,
    Role,
)
from contracts.tenancy.catalog.tenants import organization_columns
from harness.database import Database, Row
from harness.target import Target


async def read_catalog(database: Database, target: Target) -> Catalog:
    """Read everything that the backend created in its database.

    Roles get the contract's names. What the target file says is not the team's is left out.
    """
    own = target.database_roles
    contract_names = {theirs: ours for ours, theirs in own.items()}
    requests = [own[role] for role in REQUEST_ROLES if role in own]
    worker = own.get(WORKER_ROLE, "")
    relations = await database.fetch(_sql("relations"), {"roles": requests})
    functions = await database.fetch(
        _sql("functions"), {"roles": list(own.values()), "worker_role": worker}
    )
    roles = await database.fetch(_sql("roles"), {"roles": list(own.values())})
    columns = organization_columns(target)
    read = Catalog(
        relations=tuple(
            replace(_relation(renamed(row, contract_names)), organization_columns=columns)
            for row in relations
        ),
        functions=tuple(_function(renamed(row, contract_names)) for row in functions),
        roles=tuple(
            _role(renamed(row | {"name": contract_names[row["name"]]}, contract_names))
            for row in roles
        ),
        own_roles=own,
    )
    return without_ignored(read, target)


_WITH_ROLES = ("granted", "roles", "callers", "may_become", "may_become_unbound")
"""Keys of what names roles: by role, or in a list."""


def renamed(row: Row, contract_names: Mapping[str, str]) -> Row:
    """The same row with the contract's names of roles, at any depth."""
    return {name: _renamed(name, value, contract_names) for name, value in row.items()}


def _renamed(key: str, value: Any, contract_names: Mapping[str, str]) -> Any:  # noqa: ANN401
    if key == "owner":
        return contract_names.get(value, value)
    if key in _WITH_ROLES and isinstance(value, dict):
        return {contract_names.get(role, role): held for role, held in value.items()}
    if key in _WITH_ROLES and isinstance(value, list):
        return [contract_names.get(role, role) for role in value]
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return [renamed(each, contract_names) for each in value]
    return value


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
