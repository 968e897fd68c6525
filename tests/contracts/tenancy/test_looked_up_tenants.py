"""Where the backend looks the organization up, no claim of a token is trusted."""

import uuid
from typing import Any

import jwt
import pytest

from contracts.tenancy.check_viewer import unknown_roles
from contracts.tenancy.requests.credentials import another_key, forged_from
from contracts.tenancy.requests.forgeries import NOT_KNOWN, Forger
from contracts.tenancy.requests.personas import in_user_metadata_only, personas
from contracts.tenancy.requests.spoofing import spoofs, token_of
from harness.client import Organization, Organizations, Routes, TokenRecipe, Transport
from harness.client.tokens.tokens import signed_by
from harness.signing.signing_key import SigningKey

NAMED = {"sub": "{user}", "app_metadata": {"organization_id": "{organization}", "role": "{role}"}}
LOOKED_UP = {"sub": "{user}", "role": "authenticated"}
URL = "http://127.0.0.1:9"


def recipe(claims: dict[str, Any]) -> TokenRecipe:
    return TokenRecipe(
        secret="a secret of at least thirty-two bytes",
        algorithm="HS256",
        audience="authenticated",
        issuer=None,
        lifetime_s=60,
        claims=claims,
    )


async def an_organization(how: TokenRecipe) -> tuple[Organizations, Organization]:
    made = Organizations(Transport(["http://127.0.0.1:1"]), Routes({}), how)
    return made, await made.new()


def read(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def test_forged_claims_are_of_users_that_nobody_knows() -> None:
    how = recipe(LOOKED_UP)
    _, org = await an_organization(how)
    forger = Forger(how, org, URL)
    made = {each.name: each for each in forger.credentials()}
    assert not any("organization is" in name or "app_metadata" in name for name in made)
    claims: dict[str, Any] = {}
    for name in ("a user of no organization", "a user of no organization whose claims name one"):
        assert made[name].expected == NOT_KNOWN
        assert made[name].everywhere
        claims = read(made[name].headers["authorization"].removeprefix("Bearer "))
        assert claims["sub"] not in org.users.values()
    assert claims["app_metadata"] == {"organization_id": org.id, "role": "owner"}


async def test_where_claims_name_the_organization_they_are_forged_as_before() -> None:
    how = recipe(NAMED)
    _, org = await an_organization(how)
    forger = Forger(how, org, URL)
    made = [each.name for each in forger.credentials()]
    assert set(made) >= {each.name for each in forger.about_claims()}
    assert "no app_metadata" in made
    assert "a user of no organization" not in made


async def test_another_tenant_is_named_in_app_metadata_too() -> None:
    how = recipe(LOOKED_UP)
    _, org = await an_organization(how)
    _, victim = await an_organization(how)
    by_name = {each.name: each for each in spoofs(victim, looked_up=True)}
    claims = read(token_of(how, org, by_name["app_metadata"]))
    assert claims["sub"] == org.users["member"]
    assert claims["app_metadata"]["organization_id"] == victim.id
    assert claims["app_metadata"]["role"] == "owner"
    assert "app_metadata" not in {each.name for each in spoofs(victim)}
    nobody = read(token_of(how, org, by_name["app_metadata"], with_organization=False))
    assert nobody["sub"] not in org.users.values()
    assert str(uuid.UUID(nobody["sub"])) == nobody["sub"]


async def test_who_is_not_found_may_be_refused_as_unknown() -> None:
    organizations, org = await an_organization(recipe(LOOKED_UP))
    people = personas(organizations, org)
    assert {name for name, one in people.items() if one.or_unknown} == {
        "organization only in user_metadata"
    }
    assert unknown_roles(organizations) == []
    claims = in_user_metadata_only(organizations.recipe, org)
    assert claims["sub"] not in org.users.values()
    others, other = await an_organization(recipe(NAMED))
    assert not any(one.or_unknown for one in personas(others, other).values())
    assert unknown_roles(others)
    assert in_user_metadata_only(others.recipe, other)["sub"] == other.users["owner"]


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_given_token_is_forged_by_its_own_algorithm(algorithm: str) -> None:
    key = SigningKey.made(algorithm)
    good = signed_by(key, {"alg": algorithm, "kid": "k1"}, {"sub": "u-1"})
    forged = forged_from(good)["wrong key"]
    assert jwt.get_unverified_header(forged) == {"alg": algorithm, "kid": "k1"}
    attacker = another_key(algorithm).public_pem
    assert jwt.decode(forged, attacker, algorithms=[algorithm]) == {"sub": "u-1"}
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged, key.public_pem, algorithms=[algorithm])
