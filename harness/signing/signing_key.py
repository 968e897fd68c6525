"""One key pair: signs tokens, and shows its public half as PEM and as a JWK."""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Self

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from harness.signing.algorithms import CURVES, is_rsa, kind_of_key

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_RSA_BITS: Final = 2048
_EXPONENT: Final = 65537
_THUMBPRINT_MEMBERS: Final = ("crv", "e", "kty", "n", "x", "y")
"""Those that RFC 7638 demands of each kind, in its order."""


class BadKey(Exception):
    """A text is no private key of the algorithm; the message never repeats any of it."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A key pair of one algorithm."""

    algorithm: str
    private: PrivateKey = field(repr=False)
    key_id: str | None = None
    """The `kid` of its tokens and of its JWK; None: they have none."""

    @classmethod
    def made(cls, algorithm: str) -> Self:
        """Make a new key pair, with its own thumbprint as `kid`."""
        return cls(algorithm=algorithm, private=_made(algorithm)).named()

    @classmethod
    def read(cls, text: str, algorithm: str, key_id: str | None = None) -> Self:
        r"""Read a private key: PEM (a `\n` in it may be two letters), or a JWK in JSON.

        `key_id` wins over the `kid` of a JWK. Raises `BadKey`.
        """
        stripped = text.strip()
        if stripped.startswith("{"):
            private, found = _from_jwk(stripped, algorithm)
            return cls(algorithm=algorithm, private=private, key_id=key_id or found)
        found_key = _from_pem(stripped.replace("\\n", "\n"))
        return cls(algorithm=algorithm, private=_fit(found_key, algorithm), key_id=key_id)

    def named(self, key_id: str | None = None) -> Self:
        """Give the same key with a `kid`: the given one, else its thumbprint (RFC 7638)."""
        return replace(self, key_id=key_id or self.thumbprint)

    def sign(self, message: bytes) -> bytes:
        """Give the signature in the form of a token (RFC 7518, section 3)."""
        return jwt.get_algorithm_by_name(self.algorithm).sign(message, self.private)

    @cached_property
    def private_pem(self) -> str:
        """The private key: a secret."""
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    @cached_property
    def public_pem(self) -> str:
        """The public key, as `BEGIN PUBLIC KEY`."""
        return (
            self.private.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    @cached_property
    def jwk(self) -> dict[str, Any]:
        """The public key as a JWK (RFC 7517)."""
        named = {} if self.key_id is None else {"kid": self.key_id}
        return {**self._members, **named, "use": "sig", "alg": self.algorithm}

    @cached_property
    def jwks(self) -> str:
        """A set with this key alone, as the JSON that a backend reads."""
        return json.dumps({"keys": [self.jwk]})

    @cached_property
    def thumbprint(self) -> str:
        """The SHA-256 thumbprint of the public key (RFC 7638)."""
        needed = {
            name: self._members[name] for name in _THUMBPRINT_MEMBERS if name in self._members
        }
        digest = hashlib.sha256(json.dumps(needed, separators=(",", ":")).encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def _members(self) -> dict[str, Any]:
        to_jwk = jwt.get_algorithm_by_name(self.algorithm).to_jwk
        shown: dict[str, Any] = json.loads(to_jwk(self.private.public_key()))
        return {name: shown[name] for name in _THUMBPRINT_MEMBERS if name in shown}


def _made(algorithm: str) -> PrivateKey:
    if is_rsa(algorithm):
        return rsa.generate_private_key(_EXPONENT, _RSA_BITS)
    match CURVES.get(algorithm):
        case "secp256r1":
            return ec.generate_private_key(ec.SECP256R1())
        case "secp384r1":
            return ec.generate_private_key(ec.SECP384R1())
        case "secp521r1":
            return ec.generate_private_key(ec.SECP521R1())
    return ed25519.Ed25519PrivateKey.generate()


def _from_pem(text: str) -> object:
    if "PUBLIC KEY" in text or "CERTIFICATE" in text:
        raise BadKey("got a public key, with which nothing can be signed")
    if "-----BEGIN" not in text:
        raise BadKey("got a text that is neither PEM (-----BEGIN PRIVATE KEY-----) nor a JWK")
    try:
        return serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError:
        raise BadKey("got a key that is encrypted; give it without a passphrase") from None
    except Exception as error:  # of the library beneath; its words may repeat what was read
        raise BadKey(f"got PEM that cannot be read ({type(error).__name__})") from None


def _from_jwk(text: str, algorithm: str) -> tuple[PrivateKey, str | None]:
    try:
        members = json.loads(text)
        if "d" not in members:
            raise BadKey("got a public JWK, with which nothing can be signed")
        private = jwt.get_algorithm_by_name(algorithm).from_jwk(members)
    except BadKey:
        raise
    except Exception as error:
        raise BadKey(f"got a JWK of another kind ({type(error).__name__})") from None
    kid = members.get("kid")
    return _fit(private, algorithm), kid if isinstance(kid, str) else None


def _fit(private: object, algorithm: str) -> PrivateKey:
    """Give the key if it is of the kind that the algorithm signs with."""
    if is_rsa(algorithm):
        if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= _RSA_BITS:
            return private
    elif curve := CURVES.get(algorithm):
        if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name == curve:
            return private
    elif isinstance(private, ed25519.Ed25519PrivateKey):
        return private
    raise BadKey(f"got {_described(private)}, not {kind_of_key(algorithm)}")


def _described(private: object) -> str:
    match private:
        case rsa.RSAPrivateKey():
            return f"an RSA key of {private.key_size} bits"
        case ec.EllipticCurvePrivateKey():
            return f"a key on the curve {private.curve.name}"
        case ed25519.Ed25519PrivateKey():
            return "an Ed25519 key"
    return "a key of another kind"
