import json
from functools import cache

import jwt
import pytest

from harness.signing.signing_key import BadKey, SigningKey

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip


@cache
def made(algorithm: str) -> SigningKey:
    """A key of the algorithm; to make one of RSA takes a while, so those share one."""
    if algorithm != "RS256" and algorithm[:2] in {"RS", "PS"}:
        return SigningKey(algorithm=algorithm, private=made("RS256").private).named()
    return SigningKey.made(algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_a_key_signs_its_public_half_verifies_as_pem_and_as_jwk(algorithm: str) -> None:
    key = made(algorithm)
    message = b"header.claims"
    verifier = jwt.get_algorithm_by_name(algorithm)
    signature = key.sign(message)
    from_pem = verifier.prepare_key(key.public_pem)
    assert verifier.verify(message, from_pem, signature)
    (shown,) = json.loads(key.jwks)["keys"]
    assert verifier.verify(message, jwt.PyJWK(shown).key, signature)
    assert not verifier.verify(b"header.others", from_pem, signature)
    assert shown["alg"] == algorithm
    assert shown["use"] == "sig"
    assert shown["kid"] == key.key_id == key.thumbprint


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_private_member_is_ever_shown(algorithm: str) -> None:
    key = made(algorithm)
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key.jwk)
    assert "PRIVATE" not in key.public_pem
    assert "private" not in repr(key).replace("private=", "")


def test_a_key_is_the_same_after_it_was_written_and_read() -> None:
    key = made("ES256")
    again = SigningKey.read(key.private_pem, "ES256")
    assert again.public_pem == key.public_pem
    assert again.key_id is None
    assert again.named().key_id == key.key_id
    in_one_line = key.private_pem.replace("\n", "\\n")  # as environment variables hold it
    assert SigningKey.read(in_one_line, "ES256", "k1").key_id == "k1"


def test_a_jwk_brings_its_own_kid() -> None:
    key = made("EdDSA")
    private = jwt.get_algorithm_by_name("EdDSA").to_jwk(key.private)
    members = {**json.loads(str(private)), "kid": "of-the-jwk"}
    assert SigningKey.read(json.dumps(members), "EdDSA").key_id == "of-the-jwk"
    assert SigningKey.read(json.dumps(members), "EdDSA", "ours").key_id == "ours"


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    members = {  # RFC 8037, appendix A.1 to A.3
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
    key = SigningKey.read(json.dumps(members), "EdDSA")
    assert key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    ("of", "read_as", "what"),
    [
        ("RS256", "ES256", "got an RSA key of 2048 bits, not a key on the curve secp256r1"),
        ("ES384", "ES256", "got a key on the curve secp384r1, not a key on the curve secp256r1"),
        ("ES256", "RS256", "got a key on the curve secp256r1, not an RSA key of at least 2048"),
        ("EdDSA", "PS256", "got an Ed25519 key, not an RSA key"),
        ("ES256", "EdDSA", "got a key on the curve secp256r1, not an Ed25519 key"),
    ],
)
def test_a_key_of_another_kind_is_refused(of: str, read_as: str, what: str) -> None:
    with pytest.raises(BadKey, match=what):
        SigningKey.read(made(of).private_pem, read_as)


def test_what_is_no_private_key_is_refused_and_not_repeated() -> None:
    key = made("ES256")
    body = key.private_pem.splitlines()[1]
    for text, what in {
        key.public_pem: "got a public key",
        json.dumps(key.jwk): "got a public JWK",
        "hush-hush-hush": "neither PEM .* nor a JWK",
        "{": "got a JWK of another kind",
        key.private_pem.replace(body, body[:-20]): "got PEM that cannot be read",
    }.items():
        with pytest.raises(BadKey, match=what) as caught:
            SigningKey.read(text, "ES256")
        assert "hush" not in str(caught.value)
        assert body[:20] not in str(caught.value)
