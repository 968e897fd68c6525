"""`[catalog]`: which part of a database is the backend's, and under which names."""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import Field

from harness.target.tables.models import Table

TableName = Literal["jobs", "evidence", "exports", "ledger"]
"""The tables of tenants' data, by what the contract keeps in them."""

RoleName = Literal["anon", "authenticated", "service_role"]
"""The roles of a database, by the contract's names."""

ROLE_NAMES: tuple[RoleName, ...] = get_args(RoleName)


class Catalog(Table):
    """What a database holds beside the backend's own tables, and other names in it."""

    ignore_schemas: tuple[str, ...] = ()
    """Schemas that are not the team's. What is in them is not judged, unless it reads tenants'
    tables."""
    tables: Mapping[TableName, str] = Field(default={})
    """What the tables of tenants' data are called here, with or without a schema; empty for `jobs`
    where there is none. `[claim] table` and `[ledger] table` name those of exports and ledger."""
    organization_columns: tuple[str, ...] = ()
    """Further names of columns that hold the organization."""
    roles: Mapping[RoleName, str] = Field(default={})
    """What the contract's roles are called here; empty for one that the database does not have."""

    def role(self, name: RoleName) -> str:
        """The database's own name of a role; empty where it has none."""
        return self.roles.get(name, name)

    @property
    def own_roles(self) -> Mapping[RoleName, str]:
        """The roles that the database has, by the contract's name."""
        return {name: own for name in ROLE_NAMES if (own := self.role(name))}
