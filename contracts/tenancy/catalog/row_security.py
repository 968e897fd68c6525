"""Rules about row-level security in the catalog: enabled, forced, and not bypassed by views."""

from collections.abc import Iterator

from contracts.tenancy.catalog.model import REQUEST_ROLES, Catalog, Policy, Relation
from contracts.tenancy.catalog.rule_results import RuleResult, role_rule, table_rule
from contracts.tenancy.catalog.tenants import TenantTable, views_over

COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
"""The commands of policies, with the privilege that each also needs."""

EVERY_ROW = frozenset({"true", "(true)"})


def row_security(catalog: Catalog, tables: list[TenantTable]) -> Iterator[RuleResult]:
    """Apply the rules to every tenant table, every view over one, and the request roles."""
    for table in tables:
        yield from _table_results(table)
    for view in views_over(catalog, tables):
        yield _view_result(view)
    for role in catalog.roles:
        if role.name in REQUEST_ROLES:
            yield role_rule(
                role.name,
                "bound",
                holds=not (role.superuser or role.bypasses_row_security),
                expected=f"the role {role.name} to be bound by row-level security",
                got="it is a superuser" if role.superuser else "it has BYPASSRLS",
            )


def _table_results(table: TenantTable) -> Iterator[RuleResult]:
    relation, name = table.relation, table.relation.name
    access = request_access(relation, own_column=table.organization is not None)
    if not table.named and not access:
        # A table that request roles cannot touch needs no policy.
        yield table_rule(name, "out of reach", holds=True)
        return
    why = "the contract names it" if table.named else f"{access} and it holds rows of tenants"
    yield table_rule(
        name,
        "enabled",
        relation.row_security,
        expected=f"row-level security to be enabled on {name}: {why}",
        got="a foreign table, which cannot have it" if relation.kind == "f" else "it is disabled",
    )
    yield table_rule(
        name,
        "forced",
        relation.forced or relation.kind == "f",
        expected=f"row-level security to be forced on {name}, so that it also binds its owner "
        f"{relation.owner}: {why}",
        got="it is not forced",
    )
    for command, privilege in COMMANDS.items():
        for role in REQUEST_ROLES:
            open_policy = opening_policy(relation, role, command)
            yield table_rule(
                name,
                "policies",
                open_policy is None,
                expected=f"every policy for {privilege} by {role} on {name} to check the owner",
                got=f"policy {open_policy} is `true`, and permissive policies are joined by OR",
            )


def request_access(relation: Relation, *, own_column: bool) -> str:
    """Which request roles can reach rows of others here, as text; empty if none can.

    In a table without an organization column, INSERT alone shows nothing.
    """
    privileges = ["SELECT", "UPDATE", "DELETE", *(["INSERT"] if own_column else [])]
    roles = relation.roles_that_may(*privileges)
    if not roles:
        return ""
    held = sorted({p for role in roles for p in relation.granted[role] if p in privileges})
    return f"{' and '.join(roles)} may {', '.join(held)}"


def opening_policy(relation: Relation, role: str, command: str) -> str | None:
    """The name of a policy that opens the table to a role, None where there is none.

    A policy `true` opens nothing if a restrictive policy limits it, or if the role lacks the
    privilege.
    """
    if COMMANDS[command] not in relation.granted.get(role, frozenset()):
        return None
    applying = [
        policy
        for policy in relation.policies
        if role in policy.roles and policy.command in {command, "*"}
    ]
    if any(not policy.permissive for policy in applying):
        return None
    return next((policy.name for policy in applying if _lets_all(policy, command)), None)


def _lets_all(policy: Policy, command: str) -> bool:
    """Whether every row passes. Without WITH CHECK, new rows are checked by USING."""
    check = policy.with_check if policy.with_check is not None else policy.using
    expressions = {
        "r": [policy.using],
        "a": [check],
        "w": [policy.using, check],
        "d": [policy.using],
    }[command]
    return any(expression in EVERY_ROW for expression in expressions)


def _view_result(view: Relation) -> RuleResult:
    if view.kind == "m":
        readers = view.roles_that_may("SELECT")
        return table_rule(
            view.name,
            "materialized view",
            not readers,
            expected=f"no SELECT for request roles on the materialized view {view.name}: it reads "
            "tenant tables and cannot have row-level security",
            got=f"{' and '.join(readers)} may SELECT from it",
        )
    return table_rule(
        view.name,
        "security_invoker",
        view.security_invoker,
        expected=f"security_invoker on the view {view.name}, which reads tenant tables",
        got=f"it reads them with the rights and the row security of its owner {view.owner}",
    )
