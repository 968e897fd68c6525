"""Claims with which the database is asked: an organization's own, and those that give no right."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

PLACE = ("app_metadata", "organization_id")
"""Where, says the contract, the organization stands; nothing else is trusted."""


def has_contract_claims(template: Mapping[str, Any]) -> bool:
    """Say whether a target's tokens have the organization where the contract has it, only there."""
    outer, inner = PLACE
    metadata = template.get(outer)
    return (
        isinstance(metadata, Mapping)
        and metadata.get(inner) == "{organization}"
        and json.dumps(template).count("{organization}") == 1
    )


def claims_without_access(own: Mapping[str, Any]) -> dict[str, str]:
    """Give claims, by what is the matter with them, that must show nobody's rows.

    `own` are those of an organization that has rows. An error is as good as no rows.
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
    """Give claims, by what is the matter with them, that are `own` and name another besides.

    They must show exactly what `own` shows: what a user may edit says nothing.
    """
    elsewhere = {"organization_id": other, "role": "owner"}
    return {
        "another organization in user_metadata": json.dumps({**own, "user_metadata": elsewhere}),
        "another organization at the top": json.dumps({**own, "organization_id": other}),
    }


def _with(own: Mapping[str, Any], organization: object) -> dict[str, Any]:
    return dict(own) | {PLACE[0]: {**own[PLACE[0]], PLACE[1]: organization}}
