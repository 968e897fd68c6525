"""Name another organization, or a stronger role, in places that a backend must not trust."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from json import dumps
from typing import Any
from uuid import uuid4

from contracts.tenancy.requests.personas import organization_claims
from contracts.tenancy.requests.request_shapes import PreparedRequest, RequestShape
from harness.client import Organization, Sample, TokenRecipe
from harness.client.tokens.tokens import ABSENT, claims_of

HEADERS = (
    "x-organization-id", "x-organisation-id", "x-organization", "x-org-id", "x-org",
    "x-tenant-id", "x-tenant", "x-account-id", "x-workspace-id", "x-hasura-org-id",
)  # fmt: skip
ROLE_HEADERS = ("x-role", "x-user-role", "x-org-role", "x-hasura-role")
USER_HEADERS = ("x-user-id", "x-user", "x-forwarded-user", "x-remote-user", "x-hasura-user-id")
NAMES = (
    "organization_id", "organizationId", "organization", "org_id", "org", "tenant_id", "tenant",
)  # fmt: skip
USER_NAMES = ("created_by", "actor_id", "user_id", "requested_by")


@dataclass(frozen=True, kw_only=True)
class Spoof:
    """An untrusted place in a request or a token that names another organization."""

    name: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Top-level claims of the token, which replace its own."""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)
    """Further members of a JSON body, or text fields of a form."""

    @property
    def in_token(self) -> bool:
        """Whether only the token differs."""
        return bool(self.claims)

    def request(
        self, shape: RequestShape, ids: Mapping[str, Any], sample: Sample
    ) -> PreparedRequest:
        """The request of this shape with the spoofed values."""
        request = shape.request(ids, sample, more=self.members, query=self.query)
        headers = {**request.headers, **self.headers}
        if self.members and request.content is None:
            headers["content-type"] = "application/json"
            return replace(request, headers=headers, content=dumps(self.members).encode())
        return replace(request, headers=headers)


def spoofs(victim: Organization, *, looked_up: bool = False) -> list[Spoof]:
    """Every untrusted place, naming the victim and the role of its owner.

    Where the backend looks the organization up, no claim is trusted: `app_metadata` neither.
    """
    organization, owner = victim.id, next(iter(victim.users.values()))
    spoofed: dict[str, Any] = {**dict.fromkeys(NAMES, organization), "role": "owner"}
    named = {**dict.fromkeys(NAMES, organization), "roles": ["owner"], "user_role": "owner"}
    headers = {
        **dict.fromkeys(HEADERS, organization),
        **dict.fromkeys(ROLE_HEADERS, "owner"),
        **dict.fromkeys(USER_HEADERS, owner),
        "cookie": f"organization_id={organization}; org={organization}; role=owner",
    }
    return [
        Spoof(
            name="user_metadata",
            claims={
                "user_metadata": {**spoofed, "app_metadata": spoofed},
                "raw_user_meta_data": spoofed,
            },
        ),
        # Editable claims have many names.
        Spoof(
            name="claims about the user",
            claims=dict.fromkeys(("profile", "metadata", "attributes", "user", "custom"), spoofed),
        ),
        Spoof(name="claims at the top level", claims=named),
        *([Spoof(name="app_metadata", claims={"app_metadata": spoofed})] if looked_up else []),
        Spoof(name="headers", headers=headers),
        Spoof(name="the query", query=spoofed),
        Spoof(name="the body", members={**spoofed, **dict.fromkeys(USER_NAMES, owner)}),
    ]


def token_of(
    recipe: TokenRecipe,
    org: Organization,
    spoof: Spoof,
    *,
    role: object = "member",
    with_organization: bool = True,
) -> str:
    """A valid token of an organization's user with the spoofed claims.

    Without `with_organization` no trusted claim names an organization; where the backend looks it
    up, it finds none for the user.
    """
    user = org.users[role] if isinstance(role, str) and role in org.users else org.users["member"]
    if not with_organization and not recipe.names_organization:
        user = str(uuid4())
    trusted = organization_claims(recipe)
    spoofed = {name: value for name, value in spoof.claims.items() if name not in trusted}
    removed: dict[str, Any] = {} if with_organization else dict.fromkeys(trusted, ABSENT)
    claims = claims_of(
        recipe,
        user=user,
        organization=org.id,
        role=role,
        changes={**removed, **spoofed},
    )
    return recipe.issue(claims)


def has_place_for(shape: RequestShape, spoof: Spoof) -> bool:
    """Whether a request of this shape has the place: reads have no body."""
    if not spoof.members:
        return True
    return shape.operation.route.method not in {"GET", "HEAD"}
