"""Leaves out of a catalog what a target file says is not the team's."""

import re
from collections.abc import Iterable
from dataclasses import replace

from contracts.tenancy.catalog.model import REQUEST_ROLES, Catalog, Function
from contracts.tenancy.catalog.tenants import (
    following,
    named_among,
    tenants_among,
    views_among,
)
from harness.target import Target


def without_ignored(catalog: Catalog, target: Target) -> Catalog:
    """Leave out what is in ignored schemas, but for what reaches into tenants' tables.

    Of that: partitions of such tables and tables with foreign keys to them, views that read them,
    and functions with their owner's rights that name one of them and that requests may call.
    """
    ignored = frozenset(target.catalog.ignore_schemas)
    if not ignored:
        return catalog
    own = [one for one in catalog.relations if one.schema not in ignored]
    tenants = following(catalog.relations, tenants_among(own, named_among(own, target)))
    kept = tenants | views_among(catalog.relations, tenants)
    relations = [one for one in catalog.relations if one.schema not in ignored or one.oid in kept]
    names = {one.table_name for one in relations if one.oid in tenants}
    functions = [
        one for one in catalog.functions if one.schema not in ignored or _reaches(one, names)
    ]
    return replace(catalog, relations=tuple(relations), functions=tuple(functions))


def _reaches(function: Function, tables: Iterable[str]) -> bool:
    """Whether a request can read or change one of these tables by it."""
    return (
        function.definer
        and bool(function.callers & set(REQUEST_ROLES))
        and any(re.search(rf"\b{re.escape(table)}\b", function.body) for table in tables)
    )
