"""A verifier that is right refuses every forgery; each kind of wrong one accepts its own."""

import json
from functools import cache
from typing import Any, cast

import jwt
import pytest

from contracts.tenancy.requests.credentials import another_key
from contracts.tenancy.requests.key_forgeries import KeyForger
from harness.client import TokenRecipe
from harness.client.tokens.tokens import signed, signed_by
from harness.signing.signing_key import SigningKey

URL = "http://127.0.0.1:9"
CLAIMS = {"sub": "u-1", "app_metadata": {"organization_id": "o-1"}}


@cache
def forgeries(algorithm: str) -> tuple[SigningKey, dict[str, str]]:
    key = SigningKey.made(algorithm)
    recipe = TokenRecipe(
        key=key,
        algorithm=algorithm,
        audience=None,
        issuer=None,
        lifetime_s=60,
        claims={},
        kid=key.key_id,
    )
    return key, dict(KeyForger(recipe, CLAIMS, URL).forgeries())


def is_accepted(token: str, key: object, algorithms: list[str]) -> bool:
    try:
        jwt.decode(token, cast("Any", key), algorithms=algorithms)
    except (jwt.PyJWTError, ValueError, TypeError):
        return False
    return True


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_who_checks_with_the_key_and_the_algorithm_accepts_none(algorithm: str) -> None:
    key, made = forgeries(algorithm)
    genuine = signed_by(key, {"alg": algorithm, "kid": key.key_id}, CLAIMS)
    assert is_accepted(genuine, key.public_pem, [algorithm])
    assert len(made) > 35
    accepted = [n for n, token in made.items() if is_accepted(token, key.public_pem, [algorithm])]
    assert accepted == []


def test_all_that_is_known_to_go_wrong_is_tried_everywhere() -> None:
    _, made = forgeries("ES256")
    assert {name for name in made if name.endswith("!")} == {
        "HS256 with the public key as PEM!",
        "wrong key!",
        "unknown kid!",
        "jwk in the header!",
        "jku!",
        "x5u!",
        "a signature of zeros!",
    }
    _, of_rsa = forgeries("RS256")
    assert {"signed by RS512!", "signed by PS256!"} <= set(of_rsa)


def test_who_takes_the_key_of_the_header_accepts_the_attackers() -> None:
    _, made = forgeries("ES256")
    for name in ("jwk in the header!", "jwk in the header, with our kid"):
        brought = jwt.PyJWK(jwt.get_unverified_header(made[name])["jwk"]).key
        assert is_accepted(made[name], brought, ["ES256"])
    attacker = another_key("ES256").public_pem
    for name in ("jku!", "x5u!", "unknown kid!", "no kid", "x5c in the header"):
        assert is_accepted(made[name], attacker, ["ES256"])
    addresses = {jwt.get_unverified_header(made[f"{name}!"])[name] for name in ("jku", "x5u")}
    assert addresses == {f"{URL}/jku", f"{URL}/x5u"}


def test_the_public_key_is_the_secret_of_the_hmac_in_each_form() -> None:
    key, made = forgeries("ES256")
    texts = {
        "public key as PEM!": key.public_pem,
        "public key as PEM without a line end": key.public_pem.rstrip(),
        "public key as a JWK": json.dumps(key.jwk),
        "set of public keys": key.jwks,
    }
    for what, text in texts.items():
        header = {"alg": "HS256", "typ": "JWT", "kid": key.key_id}
        assert made[f"HS256 with the {what}"] == signed(header, CLAIMS, secret=text)


def test_the_certificate_is_of_the_attackers_key() -> None:
    from base64 import b64decode

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import load_der_x509_certificate

    for algorithm in ("RS256", "ES256", "EdDSA"):
        _, made = forgeries(algorithm)
        (shown,) = jwt.get_unverified_header(made["x5c in the header"])["x5c"]
        public = load_der_x509_certificate(b64decode(shown)).public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        assert pem == another_key(algorithm).public_pem
