import time

import jwt

from harness.client import Organisations, Routes, TokenRecipe, Transport, mint

RECIPE = TokenRecipe(
    secret="a secret of at least thirty-two bytes",
    algorithm="HS256",
    audience="authenticated",
    issuer=None,
    lifetime_s=60,
    claims={
        "sub": "{user}",
        "app_metadata": {"organization_id": "{organization}", "roles": ["{role}"], "level": 3},
    },
)


def read(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(
        token, RECIPE.secret, algorithms=["HS256"], audience="authenticated"
    )
    return claims


def test_a_token_is_the_template_filled_in_at_any_depth() -> None:
    claims = read(mint(RECIPE, user="u-1", organization="o-1", role="viewer"))
    assert claims["sub"] == "u-1"
    assert claims["app_metadata"] == {"organization_id": "o-1", "roles": ["viewer"], "level": 3}
    assert "iss" not in claims
    expires = claims["exp"]
    assert isinstance(expires, int)
    assert abs(expires - time.time() - 60) < 5


def test_secrets_and_tokens_are_not_in_any_repr() -> None:
    assert RECIPE.secret not in repr(RECIPE)


async def test_every_organisation_is_new_and_has_a_user_in_each_role() -> None:
    async with Organisations(Transport(["http://127.0.0.1:1"]), Routes({}), RECIPE) as made:
        first, second = await made.several(2)
    assert first.id != second.id
    tokens = {role: read(first.tokens[role]) for role in ("owner", "member", "viewer")}
    assert {claims["app_metadata"]["organization_id"] for claims in tokens.values()} == {first.id}  # type: ignore[index]
    assert len({claims["sub"] for claims in tokens.values()}) == 3
    assert first.client.token == first.tokens["member"]
    assert first.as_role("viewer").token == first.tokens["viewer"]
    assert not any(token in repr(first) for token in first.tokens.values())
