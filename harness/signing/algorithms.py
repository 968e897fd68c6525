"""The algorithms that tokens may be signed with (RFC 7518, RFC 8037), and what each one needs."""

from collections.abc import Mapping
from typing import Final, Literal

Algorithm = Literal[
    "HS256", "HS384", "HS512",
    "RS256", "RS384", "RS512",
    "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512",
    "EdDSA",
]  # fmt: skip

DIGESTS: Final[Mapping[str, str]] = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
"""The hash function of each HMAC algorithm (RFC 7518, section 3.2)."""

CURVES: Final[Mapping[str, str]] = {
    "ES256": "secp256r1",
    "ES384": "secp384r1",
    "ES512": "secp521r1",
}
"""The curve of each ECDSA algorithm (RFC 7518, section 3.4), as `cryptography` calls it."""


def is_symmetric(algorithm: str) -> bool:
    """Whether signer and backend share a secret, instead of having a key pair."""
    return algorithm in DIGESTS


def is_rsa(algorithm: str) -> bool:
    """Whether the key is one of RSA."""
    return algorithm[:2] in {"RS", "PS"}


def kind_of_key(algorithm: str) -> str:
    """What an algorithm's private key is, for messages."""
    if is_rsa(algorithm):
        return "an RSA key of at least 2048 bits"
    return f"a key on the curve {CURVES[algorithm]}" if algorithm in CURVES else "an Ed25519 key"
