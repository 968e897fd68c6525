"""What the SQL checks know of an organization: its ids, its texts and its users' claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.shared.tenants.populated_tenant import PopulatedTenant

KINDS = ("organization", "job", "evidence", "export", "event")


@dataclass(frozen=True, kw_only=True)
class SqlTenant:
    """One organization."""

    id: str
    """The organization's own id."""
    ids: Mapping[str, str]
    """By kind: `organization`, `job`, `evidence`, `export`, `event`."""
    markers: frozenset[str]
    """Texts that no other organization may see, the ids among them."""
    claims: Mapping[str, dict[str, Any]]
    """The claims of its users by role; always those of a `member`."""


def sql_tenant(
    tenant: PopulatedTenant, secrets: frozenset[str], claims: Mapping[str, dict[str, Any]]
) -> SqlTenant:
    """Describe a tenant; `secrets` are further texts that no request may read."""
    texts = {marker.decode("utf-8", "replace") for marker in tenant.markers}
    return SqlTenant(
        id=tenant.org.id,
        ids={kind: str(tenant.values[kind][0]) for kind in KINDS},
        markers=frozenset(texts | secrets),
        claims=claims,
    )
