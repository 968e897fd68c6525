"""Tables, functions and roles of a database's catalog, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.target.tables.catalog import RoleName

REQUEST_ROLES: tuple[RoleName, ...] = ("anon", "authenticated")
"""The roles in which the API runs requests: any user could do what they may do."""

WORKER_ROLE: RoleName = "service_role"

ROLES: tuple[RoleName, ...] = (*REQUEST_ROLES, WORKER_ROLE)
"""The roles that the contract names. Everywhere here they have these names, whatever the
database calls them."""

ORGANIZATION_COLUMNS = frozenset(
    f"{word}{suffix}"
    for word in ("organization", "organisation", "org", "tenant")
    for suffix in ("", "id", "uuid")
)
"""Names of columns that hold the organization, in lower case and without underscores."""

TABLE_KINDS = frozenset({"r", "p"})
"""`pg_class.relkind` of what can have row security: ordinary and partitioned tables."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table or view."""

    name: str
    type: str
    computed: bool = False
    """Whether only the database writes it."""
    granted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Which of SELECT, INSERT and UPDATE each request role may do with it."""

    def open_to(self, role: str, privilege: str) -> bool:
        """Whether a request role has this privilege on it."""
        return privilege in self.granted.get(role, frozenset())


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A row security policy."""

    name: str
    permissive: bool = True
    command: str = "*"
    """`r` SELECT, `a` INSERT, `w` UPDATE, `d` DELETE, `*` all of them."""
    roles: frozenset[str]
    """The request roles it applies to, by name, by membership or because it is for PUBLIC."""
    using: str | None = None
    with_check: str | None = None


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table or view."""

    oid: int
    schema: str
    table_name: str
    """Without its schema."""
    name: str
    """With its schema, quoted where SQL needs it."""
    kind: str = "r"
    """`r` table, `p` partitioned table, `v` view, `m` materialized view, `f` foreign table."""
    owner: str
    row_security: bool = False
    forced: bool = False
    security_invoker: bool = False
    columns: tuple[Column, ...] = ()
    granted: Mapping[str, frozenset[str]]
    """What each request role may do with it, or with some of its columns; nothing without USAGE
    on its schema."""
    policies: tuple[Policy, ...] = ()
    reads: frozenset[int] = frozenset()
    """Oids of what a view's query names."""
    parents: frozenset[int] = frozenset()
    """Oids of what a partition is a part of."""
    referenced: frozenset[int] = frozenset()
    """Oids of the tables that its foreign keys point to."""
    organization_columns: frozenset[str] = ORGANIZATION_COLUMNS
    """Which names of columns mean the organization, in lower case and without underscores."""

    @property
    def is_table(self) -> bool:
        """Whether it can have row security."""
        return self.kind in TABLE_KINDS

    def roles_that_may(self, *privileges: str) -> list[str]:
        """The request roles that have at least one of these privileges."""
        return [role for role, held in sorted(self.granted.items()) if held & set(privileges)]

    def columns_open_to(self, role: str, privilege: str) -> list[Column]:
        """The columns on which a request role has SELECT, INSERT or UPDATE."""
        return [column for column in self.columns if column.open_to(role, privilege)]


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument that a function is called with."""

    name: str
    """Empty where it has none."""
    type: str


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function, procedure or aggregate."""

    schema: str
    function_name: str
    """Without its schema."""
    name: str
    """With its schema, quoted where SQL needs it."""
    signature: str
    kind: str = "f"
    """`f` function, `p` procedure, `a` aggregate, `w` window function."""
    language: str = "plpgsql"
    resolved: bool = False
    """Whether its names were resolved when it was created (BEGIN ATOMIC)."""
    definer: bool = False
    """Whether it runs with its owner's rights."""
    is_trigger: bool = False
    variadic: bool = False
    owner: str
    body: str = ""
    search_path: str | None = None
    """The fixed search_path, None if it has none."""
    arguments: tuple[Argument, ...] = ()
    granted: tuple[str, ...] = ()
    """Whom EXECUTE was granted to, by name or `PUBLIC`, besides its owner, superusers and those
    who may become a worker anyway."""
    callers: frozenset[str] = frozenset()
    """Which of the contract's roles may call it, by a grant, membership or ownership."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """One of the contract's roles."""

    name: str
    superuser: bool = False
    bypasses_row_security: bool = False
    may_become: frozenset[str] = frozenset()
    may_become_unbound: frozenset[str] = frozenset()
    """Those among them that bypass row-level security."""
    may_create_in: frozenset[str] = frozenset()
    """Schemas."""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """The objects of a backend's database, without those of extensions and of the harness."""

    relations: tuple[Relation, ...]
    functions: tuple[Function, ...]
    roles: tuple[Role, ...]
    own_roles: Mapping[RoleName, str] = field(
        default_factory=lambda: {role: role for role in ROLES}
    )
    """What the database calls the roles that it has, by the contract's name."""

    @property
    def request_roles(self) -> tuple[RoleName, ...]:
        """The roles of requests that the database has."""
        return tuple(role for role in REQUEST_ROLES if role in self.own_roles)
