"""Naming another organization, or a better role, in places that nobody vouches for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from json import dumps
from typing import Any

from contracts.tenancy.requests.forms import Form, Request
from contracts.tenancy.requests.personas import vouching_claims
from harness.client import Organization, Sample, TokenRecipe
from harness.client.tokens import ABSENT, claims_of, signed

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
class Smuggling:
    """A place where a request or a token says more than anybody vouches for."""

    name: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Top-level claims of the token, in place of what it would have there."""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)
    """Further members of a JSON body, or text fields of a form."""

    @property
    def in_token(self) -> bool:
        """Whether the request itself is like any other."""
        return bool(self.claims)

    def request(self, form: Form, ids: Mapping[str, Any], sample: Sample) -> Request:
        """The form's request with all this in it."""
        request = form.request(ids, sample, more=self.members, query=self.query)
        headers = {**request.headers, **self.headers}
        if self.members and request.content is None:
            headers["content-type"] = "application/json"
            return replace(request, headers=headers, content=dumps(self.members).encode())
        return replace(request, headers=headers)


def smugglings(victim: Organization) -> list[Smuggling]:
    """Every place in which the victim is named, with the role of its owner."""
    organization, owner = victim.id, next(iter(victim.users.values()))
    said: dict[str, Any] = {**dict.fromkeys(NAMES, organization), "role": "owner"}
    named = {**dict.fromkeys(NAMES, organization), "roles": ["owner"], "user_role": "owner"}
    headers = {
        **dict.fromkeys(HEADERS, organization),
        **dict.fromkeys(ROLE_HEADERS, "owner"),
        **dict.fromkeys(USER_HEADERS, owner),
        "cookie": f"organization_id={organization}; org={organization}; role=owner",
    }
    return [
        Smuggling(
            name="user_metadata",
            claims={
                "user_metadata": {**said, "app_metadata": said},
                "raw_user_meta_data": said,
            },
        ),
        # What users edit about themselves goes by many names.
        Smuggling(
            name="claims about the person",
            claims=dict.fromkeys(("profile", "metadata", "attributes", "user", "custom"), said),
        ),
        Smuggling(name="claims at the top level", claims=named),
        Smuggling(name="headers", headers=headers),
        Smuggling(name="the query", query=said),
        Smuggling(name="the body", members={**said, **dict.fromkeys(USER_NAMES, owner)}),
    ]


def token_of(
    recipe: TokenRecipe,
    org: Organization,
    smuggling: Smuggling,
    *,
    role: object = "member",
    vouched: bool = True,
) -> str:
    """A well-signed token of an organization's user that also says what is to be smuggled.

    Without `vouched` nothing in it that counts names an organization.
    """
    user = org.users[role] if isinstance(role, str) and role in org.users else org.users["member"]
    vouching = vouching_claims(recipe)
    smuggled = {name: said for name, said in smuggling.claims.items() if name not in vouching}
    nothing: dict[str, Any] = {} if vouched else dict.fromkeys(vouching, ABSENT)
    claims = claims_of(
        recipe,
        user=user,
        organization=org.id,
        role=role,
        changes={**nothing, **smuggled},
    )
    header = {"alg": recipe.algorithm, "typ": "JWT"}
    return signed(header, claims, secret=recipe.secret, algorithm=recipe.algorithm)


def takes(form: Form, smuggling: Smuggling) -> bool:
    """Whether this way of asking has the place: reading has no body."""
    if not smuggling.members:
        return True
    return form.operation.route.method not in {"GET", "HEAD"}
