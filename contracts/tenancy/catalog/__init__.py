"""The catalog of a backend's database, and the rules for tenants in it."""

from contracts.tenancy.catalog.model import (
    REQUEST_ROLES,
    ROLES,
    WORKER_ROLE,
    Argument,
    Catalog,
    Column,
    Function,
    Policy,
    Relation,
    Role,
)
from contracts.tenancy.catalog.read import read_catalog

__all__ = [
    "REQUEST_ROLES",
    "ROLES",
    "WORKER_ROLE",
    "Argument",
    "Catalog",
    "Column",
    "Function",
    "Policy",
    "Relation",
    "Role",
    "read_catalog",
]
