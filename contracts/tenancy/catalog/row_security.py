"""Row security as the catalog shows it: on, forced, and not undone by anything beside it."""

from collections.abc import Iterator

from contracts.tenancy.catalog.model import REQUEST_ROLES, Catalog, Policy, Relation
from contracts.tenancy.catalog.rule_results import RuleResult, rule_result
from contracts.tenancy.catalog.tenants import TenantTable, views_over

COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
"""The commands of policies, with the privilege that each needs besides."""

EVERY_ROW = frozenset({"true", "(true)"})


def row_security(catalog: Catalog, tables: list[TenantTable]) -> Iterator[RuleResult]:
    """Look at every tenant table, at every view over one, and at the roles of requests."""
    for table in tables:
        yield from _of_table(table)
    for view in views_over(catalog, tables):
        yield _of_view(view)
    for role in catalog.roles:
        if role.name in REQUEST_ROLES:
            yield rule_result(
                "role",
                role.name,
                "bound",
                not (role.superuser or role.bypasses_row_security),
                expected=f"row security to bind the role {role.name}",
                got="it is a superuser" if role.superuser else "it has BYPASSRLS",
            )


def _of_table(table: TenantTable) -> Iterator[RuleResult]:
    relation = table.relation
    reached = reach(relation, own_column=table.organization is not None)
    if not table.named and not reached:
        # Whoever cannot touch it needs no policy to be kept from it.
        yield RuleResult(kind="table", about=relation.name, rule="out of reach")
        return
    why = "the contract names it" if table.named else f"{reached} and it holds rows of tenants"
    yield rule_result(
        "table",
        relation.name,
        "enabled",
        relation.row_security,
        expected=f"row-level security to be enabled on {relation.name}: {why}",
        got="a foreign table, which cannot have it" if relation.kind == "f" else "it is not",
    )
    yield rule_result(
        "table",
        relation.name,
        "forced",
        relation.forced or relation.kind == "f",
        expected=f"row-level security to be forced on {relation.name}, so that it binds its "
        f"owner {relation.owner} as well: {why}",
        got="it is not forced",
    )
    for command, privilege in COMMANDS.items():
        for role in REQUEST_ROLES:
            open_policy = opening_policy(relation, role, command)
            yield rule_result(
                "table",
                relation.name,
                "policies",
                open_policy is None,
                expected=f"every policy that lets {role} {privilege} rows of {relation.name} "
                "to ask whose they are",
                got=f"policy {open_policy} says true, and permissive policies are joined by OR",
            )


def reach(relation: Relation, *, own_column: bool) -> str:
    """Say who of the request roles can touch rows of others here; empty when nobody can.

    Where only a foreign key says whose a row is, INSERT alone shows nobody anything.
    """
    privileges = ["SELECT", "UPDATE", "DELETE", *(["INSERT"] if own_column else [])]
    roles = relation.roles_that_may(*privileges)
    if not roles:
        return ""
    held = sorted({p for role in roles for p in relation.granted[role] if p in privileges})
    return f"{' and '.join(roles)} may {', '.join(held)}"


def opening_policy(relation: Relation, role: str, command: str) -> str | None:
    """Give the name of a policy that opens the table to a role, None where there is none.

    A policy that says `true` opens nothing while a restrictive one narrows it, nor where the role
    has not the privilege anyway.
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
    """Whether every row passes. Without WITH CHECK, USING is what new rows are checked by."""
    check = policy.with_check if policy.with_check is not None else policy.using
    expressions = {
        "r": [policy.using],
        "a": [check],
        "w": [policy.using, check],
        "d": [policy.using],
    }[command]
    return any(expression in EVERY_ROW for expression in expressions)


def _of_view(view: Relation) -> RuleResult:
    if view.kind == "m":
        readers = view.roles_that_may("SELECT")
        return rule_result(
            "table",
            view.name,
            "materialized view",
            not readers,
            expected=f"nobody's requests to read the materialized view {view.name}, which no row "
            "security can guard and which reads tenant tables",
            got=f"{' and '.join(readers)} may SELECT from it",
        )
    return rule_result(
        "table",
        view.name,
        "security_invoker",
        view.security_invoker,
        expected=f"the view {view.name}, which reads tenant tables, to be security_invoker",
        got=f"it reads them with the rights and the row security of its owner {view.owner}",
    )
