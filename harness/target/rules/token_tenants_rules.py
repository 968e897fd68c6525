"""Contradictions of `[tokens.tenants]`: SQL without a database, values that would be pasted."""

from collections.abc import Iterator

from harness.target.sql.bound_sql import bound_statements, quoted_placeholders
from harness.target.target import Target
from harness.target.tokens.token_command import broken_command_rules
from harness.target.tokens.token_tenants import TenantCalls, TenantSql
from harness.target.toml.lines import KeyPath
from harness.target.toml.nearest import nearest
from harness.target.values.template import SECRET_NAMES, placeholders, unknown_placeholder
from harness.vocabulary.roles import ROLES

_TENANTS: KeyPath = ("tokens", "tenants")
_KNOWN = {
    "organization": frozenset({"organization", "name"}),
    "user": frozenset({"organization", "name", "user", "role"}),
}

Broken = Iterator[tuple[KeyPath, str]]


def broken_tenants_rules(target: Target) -> Broken:
    """Find all that is wrong in `[tokens.tenants]` and `[tokens.command]`, and where it stands."""
    yield from broken_command_rules(target.tokens.command)
    tenants = target.tokens.tenants
    if tenants is None:
        return
    if not target.tokens.chooses_users:
        what = (
            "goes with [tokens.mint] or [tokens.command], whose users the harness chooses; "
            "[tokens.calls] enters tenants itself, and those of [tokens.given] are there"
        )
        yield _TENANTS, what
    for role in sorted(set(tenants.role_names) - set(ROLES)):
        what = f"unknown role {role!r}; expected one of {', '.join(ROLES)}{nearest(role, ROLES)}"
        yield (*_TENANTS, "role_names", role), what
    if tenants.sql is not None:
        yield from _sql(target, tenants.sql)
    if tenants.calls is not None:
        yield from _calls(tenants.calls)


def _sql(target: Target, sql: TenantSql) -> Broken:
    path: KeyPath = (*_TENANTS, "sql")
    if target.database.source not in {"embedded", "docker"}:
        what = (
            f'[database] source = "{target.database.source}": that database is not ours to change; '
            'expected "embedded" or "docker", or [tokens.tenants.calls]'
        )
        yield path, what
    if not sql.user and sql.user_file is None:
        yield (*path, "user"), "missing; it enters a user of an organization, in a role"
    for name, known in _KNOWN.items():
        in_file = getattr(sql, f"{name}_file") is not None
        key = f"{name}_file" if in_file else name
        for text in getattr(sql, name):
            yield from _statement((*path, key), text, known)


def _statement(path: KeyPath, text: str, known: frozenset[str]) -> Broken:
    for name in quoted_placeholders(text):
        if name in known:
            yield path, f"{{{name}}} is bound as a parameter: write it without quotes around it"
    statements = bound_statements(text)
    if not statements:
        yield path, "expected an SQL statement, got none"
    for name in (name for each in statements for name in each.names):
        if name not in known:
            yield path, unknown_placeholder(name, known).removesuffix(", or {env:NAME}")


def _calls(calls: TenantCalls) -> Broken:
    path: KeyPath = (*_TENANTS, "calls")
    known = {"name", "unique", "organization"} | ({"admin_token"} if calls.admin_token else set())
    for header, text in calls.headers.items():
        for name in placeholders(text):
            if name not in known:
                yield (*path, "headers", header), unknown_placeholder(name, known)
    for call_name, call in calls.calls:
        if call_name == "user":
            known |= {"user", "role"}
        for within, text in call.texts():
            for name in placeholders(text):
                if name not in known:
                    yield (*path, call_name, *within), unknown_placeholder(name, known)
                elif name in SECRET_NAMES and within == ("path",):
                    what = f"{{{name}}} is secret, and URLs are not; send it in a header"
                    yield (*path, call_name, *within), what
