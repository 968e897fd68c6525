"""Contradictions of `[catalog]`."""

from collections import Counter
from collections.abc import Iterator

from harness.target.tables.catalog import TableName
from harness.target.target import Target
from harness.target.toml.lines import KeyPath

Broken = Iterator[tuple[KeyPath, str]]


def broken_catalog_rules(target: Target) -> Broken:
    """Find every contradiction: where it stands, and what was expected instead."""
    catalog = target.catalog
    elsewhere: dict[TableName, tuple[str, str | None]] = {
        "exports": ("claim", target.claim.table if target.claim else None),
        "ledger": ("ledger", target.ledger.table if target.ledger else None),
    }
    for name, own in catalog.tables.items():
        path: KeyPath = ("catalog", "tables", name)
        table, declared = elsewhere.get(name, ("", None))
        if declared and declared != own:
            yield path, f"[{table}] table says {declared!r}; remove it here"
        if not own and name != "jobs":
            yield path, "empty; only jobs may be missing, without which the others are judged"
    if target.claim and target.claim.function and "service_role" in catalog.roles:
        workers = catalog.role("service_role")
        if workers != target.claim.role:
            what = f"[claim] role says {target.claim.role!r}; write the same there"
            yield ("catalog", "roles", "service_role"), what
    for role, times in Counter(catalog.own_roles.values()).items():
        if times > 1:
            named = next(each for each in catalog.roles if catalog.role(each) == role)
            what = f"{role!r} is the name of {times} roles; expected one that only it has"
            yield ("catalog", "roles", named), what
    for place, schema in enumerate(catalog.ignore_schemas):
        if schema in {"information_schema", "pg_catalog"}:
            yield ("catalog", "ignore_schemas", place), f"{schema} is never judged; remove it"
