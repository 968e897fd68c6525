import hmac
import time
from base64 import urlsafe_b64encode

import jwt

from harness.client import Organizations, Routes, TokenRecipe, Transport, mint
from harness.client.tokens.tokens import ABSENT, claims_of, filled, signed, unsigned

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


async def test_every_organization_is_new_and_has_a_user_in_each_role() -> None:
    async with Organizations(Transport(["http://127.0.0.1:1"]), Routes({}), RECIPE) as made:
        first, second = await made.several(2)
    assert first.id != second.id
    tokens = {role: read(first.tokens[role]) for role in ("owner", "member", "viewer")}
    assert {claims["app_metadata"]["organization_id"] for claims in tokens.values()} == {first.id}  # type: ignore[index]
    assert len({claims["sub"] for claims in tokens.values()}) == 3
    assert first.client.token == first.tokens["member"]
    assert first.as_role("viewer").token == first.tokens["viewer"]
    assert not any(token in repr(first) for token in first.tokens.values())


def test_claims_can_be_replaced_left_out_and_be_of_any_type() -> None:
    claims = claims_of(
        RECIPE,
        user="u-1",
        organization=["o-1"],
        role=ABSENT,
        changes={"exp": ABSENT, "aud": None, "more": 1},
    )
    assert "exp" not in claims
    assert (claims["aud"], claims["more"]) == (None, 1)
    assert claims["app_metadata"]["organization_id"] == ["o-1"]


def test_a_member_of_the_template_can_be_left_out() -> None:
    assert filled({"role": "{role}", "kept": "as {role}"}, {"role": ABSENT}) == {
        "kept": f"as {ABSENT}"
    }


def test_a_token_put_together_by_hand_is_one_that_the_library_takes() -> None:
    claims = claims_of(RECIPE, user="u-1", organization="o-1", role="owner")
    token = signed({"alg": "HS256", "typ": "JWT"}, claims, secret=RECIPE.secret)
    assert read(token) == claims


def test_a_forged_token_says_one_thing_and_is_another() -> None:
    forged = signed({"alg": "RS256"}, {"sub": "x"}, secret="s", algorithm="HS512")
    assert jwt.get_unverified_header(forged) == {"alg": "RS256"}
    header, payload, signature = forged.split(".")
    key, message = b"s", f"{header}.{payload}".encode()
    wanted = urlsafe_b64encode(hmac.digest(key, message, "sha512")).rstrip(b"=").decode()
    assert signature == wanted
    assert unsigned({"alg": "none"}, b"\xff").endswith(".")
