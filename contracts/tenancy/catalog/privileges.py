"""Who may do what, as the catalog shows it: functions above all, which lend rights to others."""

import re
from collections.abc import Iterator

from contracts.tenancy.catalog.model import (
    REQUEST_ROLES,
    ROLES,
    WORKER_ROLE,
    Catalog,
    Function,
    Role,
)
from contracts.tenancy.catalog.rule_results import RuleResult, rule_result
from contracts.tenancy.catalog.tenants import TenantTable

PUBLIC = "PUBLIC"

NOT_INTERPRETED = frozenset({"c", "internal"})
"""Languages whose functions look up no names when they run."""

EVERYTHING = frozenset(
    {
        "pg_read_all_data",
        "pg_write_all_data",
        "pg_read_server_files",
        "pg_write_server_files",
        "pg_execute_server_program",
    }
)
"""PostgreSQL's own roles that see or change more than any tenant may."""

RECOVERS = re.compile(r"recover|reclaim|stuck|stale|zombie|orphan|reap|rescue|sweep", re.IGNORECASE)
"""What a function that takes exports back from silent workers is called."""

WRITES = re.compile(r"\b(update|perform|call|merge)\b", re.IGNORECASE)

NAMES_ONE = re.compile(r"uuid|json|record|\[\]")
"""Types of arguments that can say which export is meant."""


def privileges(
    catalog: Catalog, tables: list[TenantTable], *, claim: str, exports: str
) -> Iterator[RuleResult]:
    """Look at every role, function and tenant table.

    `claim` and `exports` are the claim function and the table of exports, as the target file
    says them, with a schema or without.
    """
    yield from _of_roles(catalog, tables)
    machinery = queue_machinery(catalog, claim=claim, exports=exports)
    for function in catalog.functions:
        if _is_the_backends(function, tables, claim):
            yield from _of_function(function)
        if function in machinery:
            yield from _of_queue_function(function, claims=_is_called(function, claim))
        elif inner := _calls_one_of(function, machinery):
            yield from _of_wrapper(function, inner)
    yield from _of_schemas(catalog, tables)
    for table in tables:
        roles = table.relation.roles_that_may("TRUNCATE")
        yield rule_result(
            "table",
            table.relation.name,
            "truncate",
            not roles,
            expected=f"nobody's requests to TRUNCATE {table.relation.name}, which asks no policy",
            got=f"{' and '.join(roles)} may",
        )


def claim_functions(catalog: Catalog, claim: str) -> list[Function]:
    """Give every overload of the claim function: a forgotten one can be called as well."""
    return [function for function in catalog.functions if _is_called(function, claim)]


def _of_roles(catalog: Catalog, tables: list[TenantTable]) -> Iterator[RuleResult]:
    roles = {role.name: role for role in catalog.roles}
    for name in ROLES:
        yield rule_result(
            "role", name, "exists", name in roles, expected=f"a role {name}", got="there is none"
        )
    owners = {table.relation.owner for table in tables}
    for name in REQUEST_ROLES:
        if name in roles:
            yield _of_memberships(roles[name], owners)


def _of_memberships(role: Role, owners: set[str]) -> RuleResult:
    too_much = role.may_become & (owners | EVERYTHING | {WORKER_ROLE}) | role.may_become_unbound
    return rule_result(
        "role",
        role.name,
        "memberships",
        role.superuser or not too_much,  # a superuser is told as such, by row security
        expected=f"{role.name} to be no member of a role that sees every organization's rows",
        got=f"it may become {', '.join(sorted(too_much))}",
    )


def _is_the_backends(function: Function, tables: list[TenantTable], claim: str) -> bool:
    """Whether the backend made it, and not a platform that shares the database with it."""
    return (
        _is_called(function, claim)
        or function.owner in {table.relation.owner for table in tables}
        or function.schema in {table.relation.schema for table in tables}
    )


def _of_function(function: Function) -> Iterator[RuleResult]:
    # A trigger function cannot be called, whoever may execute it.
    yield rule_result(
        "function",
        function.signature,
        "not for PUBLIC",
        function.is_trigger or PUBLIC not in function.granted,
        expected=f"no EXECUTE for PUBLIC on {function.signature}",
        got="PUBLIC may execute it",
    )
    if function.kind == "a" or function.resolved or function.language in NOT_INTERPRETED:
        return
    path = function.search_path
    yield rule_result(
        "function",
        function.signature,
        "search_path",
        path is not None and "$user" not in path,
        expected=f"{function.signature} to have a fixed search_path"
        + (", because it runs with its owner's rights" if function.definer else ""),
        got="it has none of its own: it runs with its caller's"
        if path is None
        else f"search_path={path}, which is another one for every caller",
    )


def queue_machinery(catalog: Catalog, *, claim: str, exports: str) -> list[Function]:
    """Give the functions that claim and recover exports, by whatever name."""
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


def _of_queue_function(function: Function, *, claims: bool) -> Iterator[RuleResult]:
    what = "claim" if claims else "recovery"
    others = [name for name in function.granted if name != WORKER_ROLE]
    reached = sorted(function.callers & set(REQUEST_ROLES))
    yield rule_result(
        "function",
        function.signature,
        f"{what} for {WORKER_ROLE} alone",
        not others and not reached,
        expected=f"{function.signature}, a {what} function, to be for {WORKER_ROLE} alone",
        got=f"{', '.join(dict.fromkeys(others + reached))} may execute it",
    )
    if claims:
        yield rule_result(
            "function",
            function.signature,
            f"{what} for {WORKER_ROLE}",
            function.owner == WORKER_ROLE or WORKER_ROLE in function.callers,
            expected=f"{WORKER_ROLE} to have EXECUTE on {function.signature}",
            got="it has not",
        )


def _of_wrapper(function: Function, inner: Function) -> Iterator[RuleResult]:
    reached = sorted(function.callers & set(REQUEST_ROLES))
    yield rule_result(
        "function",
        function.signature,
        f"no way to claim but for {WORKER_ROLE}",
        not (function.definer and reached),
        expected=f"{function.signature}, which calls {inner.signature} with its owner's rights, "
        f"to be for {WORKER_ROLE} alone as well",
        got=f"{', '.join(reached)} may execute it",
    )


def _calls_one_of(function: Function, others: list[Function]) -> Function | None:
    for other in others:
        if re.search(rf'\b{re.escape(other.function_name)}"?\s*\(', function.body, re.IGNORECASE):
            return other
    return None


def recovers(function: Function, exports: str) -> bool:
    """Say whether a function takes exports back, going by its name and by what it does."""
    return (
        RECOVERS.search(function.function_name) is not None
        and _mentions(function, exports)
        and WRITES.search(function.body) is not None
    )


def works_the_queue(function: Function, exports: str) -> bool:
    """Say whether a function changes exports that nobody named to it.

    What a tenant asks for is about an export or a job that the request names; what changes exports
    without being told which, belongs to the queue's own machinery, whatever it is called.
    """
    told = any(
        NAMES_ONE.search(argument.type) or re.search(r"id$|export|job", argument.name.lower())
        for argument in function.arguments
    )
    bare = re.escape(exports.rpartition(".")[2].strip('"'))
    changes = re.search(rf'\bupdate\s+(only\s+)?("?\w+"?\.)?"?{bare}\b', function.body, re.I)
    return changes is not None and not told


def _of_schemas(catalog: Catalog, tables: list[TenantTable]) -> Iterator[RuleResult]:
    schemas = {table.relation.schema for table in tables}
    for function in catalog.functions:
        paths = (function.search_path or "").split(",")
        schemas |= {function.schema, *(path.strip(' "') for path in paths)}
    for role in catalog.roles:
        if role.name not in REQUEST_ROLES or role.superuser:
            continue
        for schema in sorted(schemas & role.may_create_in):
            yield rule_result(
                "schema",
                schema,
                "create",
                False,
                expected=f"{role.name} not to have CREATE on the schema {schema}, where what it "
                "makes would be found by functions and queries of others",
                got="it has",
            )


def _is_called(function: Function, wanted: str) -> bool:
    schema, _, bare = wanted.rpartition(".")
    return function.function_name == bare.strip('"') and schema.strip('"') in {"", function.schema}


def _mentions(function: Function, table: str) -> bool:
    bare = re.escape(table.rpartition(".")[2].strip('"'))
    return re.search(rf"\b{bare}\b", function.body, re.IGNORECASE) is not None
