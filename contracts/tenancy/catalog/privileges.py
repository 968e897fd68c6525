"""Rules about privileges in the catalog: roles, functions, schemas and TRUNCATE."""

import re
from collections.abc import Iterator

from contracts.tenancy.catalog.model import (
    REQUEST_ROLES,
    WORKER_ROLE,
    Catalog,
    Function,
    Role,
)
from contracts.tenancy.catalog.rule_results import (
    RuleResult,
    function_rule,
    role_rule,
    schema_rule,
    table_rule,
)
from contracts.tenancy.catalog.tenants import TenantTable

PUBLIC = "PUBLIC"

NARROW = "database.functions-narrow"
"""The rule for functions that do no more than their caller may do anyway."""

NOT_INTERPRETED = frozenset({"c", "internal"})
"""Languages whose functions do not look up names at run time."""

EVERYTHING = frozenset(
    {
        "pg_read_all_data",
        "pg_write_all_data",
        "pg_read_server_files",
        "pg_write_server_files",
        "pg_execute_server_program",
    }
)
"""Predefined roles of PostgreSQL that read or change more than any tenant may."""

RECOVERS = re.compile(r"recover|reclaim|stuck|stale|zombie|orphan|reap|rescue|sweep", re.IGNORECASE)
"""Names of functions that reclaim exports from silent workers."""

WRITES = re.compile(r"\b(update|perform|call|merge)\b", re.IGNORECASE)

NAMES_ONE = re.compile(r"uuid|json|record|\[\]")
"""Types of arguments that can name an export."""


def privileges(
    catalog: Catalog, tables: list[TenantTable], *, claim: str, exports: str
) -> Iterator[RuleResult]:
    """Apply the rules to every role, function and tenant table.

    `claim` and `exports` are the claim function and the table of exports as in the target file,
    with or without a schema.
    """
    yield from _role_results(catalog, tables)
    queue = queue_functions(catalog, claim=claim, exports=exports)
    for function in catalog.functions:
        if _belongs_to_backend(function, tables, claim):
            yield from _function_results(function)
        if function in queue:
            yield from _queue_function_results(
                function,
                claims=_is_called(function, claim),
                has_workers=WORKER_ROLE in catalog.own_roles,
            )
        elif inner := _calls_one_of(function, queue):
            yield _wrapper_result(function, inner)
    yield from _schema_results(catalog, tables)
    for table in tables:
        name, roles = table.relation.name, table.relation.roles_that_may("TRUNCATE")
        yield table_rule(
            name,
            "truncate",
            not roles,
            expected=f"no TRUNCATE privilege on {name} for request roles: it checks no policy",
            got=f"{' and '.join(roles)} may",
        )


def claim_functions(catalog: Catalog, claim: str) -> list[Function]:
    """Every overload of the claim function: a forgotten one can be called as well."""
    return [function for function in catalog.functions if _is_called(function, claim)]


def _role_results(catalog: Catalog, tables: list[TenantTable]) -> Iterator[RuleResult]:
    roles = {role.name: role for role in catalog.roles}
    for name, own in catalog.own_roles.items():
        expected = f"a role {own}"
        if own == name:
            expected += f'; say [catalog.roles] {name} = "…" where it is called differently'
        yield role_rule(name, "exists", name in roles, expected, "no such role")
    owners = {table.relation.owner for table in tables}
    for name in REQUEST_ROLES:
        if name in roles:
            yield _membership_result(roles[name], owners)


def _membership_result(role: Role, owners: set[str]) -> RuleResult:
    too_much = role.may_become & (owners | EVERYTHING | {WORKER_ROLE}) | role.may_become_unbound
    return role_rule(
        role.name,
        "memberships",
        holds=role.superuser or not too_much,  # row security reports superusers
        expected=f"{role.name} not to be a member of a role that sees every organization's rows",
        got=f"it may become {', '.join(sorted(too_much))}",
    )


def _belongs_to_backend(function: Function, tables: list[TenantTable], claim: str) -> bool:
    """Whether the backend created it, and not a platform that shares the database."""
    return (
        _is_called(function, claim)
        or function.owner in {table.relation.owner for table in tables}
        or function.schema in {table.relation.schema for table in tables}
    )


def _function_results(function: Function) -> Iterator[RuleResult]:
    name, broken = function.signature, "" if function.definer else NARROW
    # A trigger function cannot be called, even with EXECUTE.
    yield function_rule(
        name,
        "not for PUBLIC",
        holds=function.is_trigger or PUBLIC not in function.granted,
        expected=f"no EXECUTE for PUBLIC on {name}",
        got="PUBLIC may execute it",
        broken=broken,
    )
    if function.kind == "a" or function.resolved or function.language in NOT_INTERPRETED:
        return
    path = function.search_path
    why = ", because it runs with its owner's rights" if function.definer else ""
    yield function_rule(
        name,
        "search_path",
        holds=path is not None and "$user" not in path,
        expected=f"a fixed search_path for {name}{why}",
        got="none: it runs with its caller's search_path"
        if path is None
        else f"search_path={path}, which differs for every caller",
        broken=broken,
    )


def queue_functions(catalog: Catalog, *, claim: str, exports: str) -> list[Function]:
    """The functions that claim or recover exports, whatever their names are."""
    return [
        function
        for function in catalog.functions
        if not function.is_trigger
        and (
            _is_called(function, claim)
            or recovers(function, exports)
            or works_the_queue(function, exports)
        )
    ]


def _queue_function_results(
    function: Function, *, claims: bool, has_workers: bool
) -> Iterator[RuleResult]:
    name, what = function.signature, "claim" if claims else "recovery"
    others = [role for role in function.granted if role != WORKER_ROLE]
    others += sorted(function.callers & set(REQUEST_ROLES))
    yield function_rule(
        name,
        f"{what} for {WORKER_ROLE} alone",
        not others,
        expected=f"EXECUTE on {name}, a {what} function, for {WORKER_ROLE} only",
        got=f"{', '.join(dict.fromkeys(others))} may execute it",
    )
    if claims and has_workers:
        yield function_rule(
            name,
            f"{what} for {WORKER_ROLE}",
            holds=function.owner == WORKER_ROLE or WORKER_ROLE in function.callers,
            expected=f"EXECUTE on {name} for {WORKER_ROLE}",
            got="it may not execute it",
        )


def _wrapper_result(function: Function, inner: Function) -> RuleResult:
    name, callers = function.signature, sorted(function.callers & set(REQUEST_ROLES))
    return function_rule(
        name,
        f"no other way to claim than for {WORKER_ROLE}",
        holds=not (function.definer and callers),
        expected=f"EXECUTE on {name} for {WORKER_ROLE} only, because it calls {inner.signature} "
        "with its owner's rights",
        got=f"{', '.join(callers)} may execute it",
    )


def _calls_one_of(function: Function, others: list[Function]) -> Function | None:
    for other in others:
        if re.search(rf'\b{re.escape(other.function_name)}"?\s*\(', function.body, re.IGNORECASE):
            return other
    return None


def recovers(function: Function, exports: str) -> bool:
    """Whether a function reclaims exports, by its name and its body."""
    return (
        RECOVERS.search(function.function_name) is not None
        and _mentions(function, exports)
        and WRITES.search(function.body) is not None
    )


def works_the_queue(function: Function, exports: str) -> bool:
    """Whether a function changes exports that its arguments do not name.

    A tenant's request names its export or job; a function that chooses exports itself works the
    queue, whatever its name is.
    """
    names_one = any(
        NAMES_ONE.search(argument.type) or re.search(r"id$|export|job", argument.name.lower())
        for argument in function.arguments
    )
    bare = re.escape(exports.rpartition(".")[2].strip('"'))
    changes = re.search(rf'\bupdate\s+(only\s+)?("?\w+"?\.)?"?{bare}\b', function.body, re.I)
    return changes is not None and not names_one


def _schema_results(catalog: Catalog, tables: list[TenantTable]) -> Iterator[RuleResult]:
    schemas = {table.relation.schema for table in tables}
    for function in catalog.functions:
        paths = (function.search_path or "").split(",")
        schemas |= {function.schema, *(path.strip(' "') for path in paths)}
    for role in catalog.roles:
        if role.name not in REQUEST_ROLES or role.superuser:
            continue
        for schema in sorted(schemas & role.may_create_in):
            yield schema_rule(
                schema,
                "create",
                holds=False,
                expected=f"no CREATE privilege for {role.name} on the schema {schema}, because "
                "functions and queries of others would find what it creates",
                got="it has the privilege",
            )


def _is_called(function: Function, wanted: str) -> bool:
    schema, _, bare = wanted.rpartition(".")
    return function.function_name == bare.strip('"') and schema.strip('"') in {"", function.schema}


def _mentions(function: Function, table: str) -> bool:
    bare = re.escape(table.rpartition(".")[2].strip('"'))
    return re.search(rf"\b{bare}\b", function.body, re.IGNORECASE) is not None
