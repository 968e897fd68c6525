"""Claims for requests in SQL: variants that give no access, and variants with spoofed parts."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

PLACE = ("app_metadata", "organization_id")
"""The claim with the organization in the contract; no other is trusted."""


def has_contract_claims(template: Mapping[str, Any]) -> bool:
    """Whether a target's tokens have the organization where the contract has it, and only there."""
    outer, inner = PLACE
    metadata = template.get(outer)
    return (
        isinstance(metadata, Mapping)
        and metadata.get(inner) == "{organization}"
        and json.dumps(template).count("{organization}") == 1
    )


def claims_without_access(own: Mapping[str, Any]) -> dict[str, str]:
    """Claims by description that must show no tenant's rows; an error is accepted, too.

    `own` are the claims of an organization that has rows.
    """
    organization = own[PLACE[0]][PLACE[1]]
    bare = {name: value for name, value in own.items() if name != PLACE[0]}
    elsewhere = {"organization_id": organization, "role": "owner"}
    documents: dict[str, object] = {
        "no claims at all": {},
        "no organization": bare,
        "a role and no organization": bare | {"app_metadata": {"role": "owner"}},
        "the organization only in user_metadata": bare | {"user_metadata": elsewhere},
        "the organization only at the top": bare | elsewhere,
        "an organization that has nothing": _with(own, str(uuid.uuid4())),
        "null for an organization": _with(own, None),
        "an empty organization": _with(own, ""),
        "an organization that is no UUID": _with(own, "not-a-uuid"),
        "a pattern for an organization": _with(own, "%"),
        "a list of organizations": _with(own, [organization]),
        "a list for claims": [own],
        "text for claims": json.dumps(own),
    }
    texts = {what: json.dumps(document) for what, document in documents.items()}
    return texts | {"claims that are cut off": json.dumps(own)[:-2]}


def spoofed_claims(own: Mapping[str, Any], other: str) -> dict[str, str]:
    """Claims by description: `own`, with another organization in a place that is not trusted.

    They must show exactly what `own` shows.
    """
    elsewhere = {"organization_id": other, "role": "owner"}
    return {
        "another organization in user_metadata": json.dumps({**own, "user_metadata": elsewhere}),
        "another organization at the top": json.dumps({**own, "organization_id": other}),
    }


def _with(own: Mapping[str, Any], organization: object) -> dict[str, Any]:
    return dict(own) | {PLACE[0]: {**own[PLACE[0]], PLACE[1]: organization}}
