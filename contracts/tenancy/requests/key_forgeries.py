"""Tokens that no backend with public keys may accept: signed by others, by tricks, by nothing."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from contracts.tenancy.requests.credentials import another_key
from harness.client import TokenRecipe
from harness.client.tokens.tokens import signed, signed_by, unsigned, with_signature
from harness.signing.algorithms import CURVES, DIGESTS, is_rsa
from harness.signing.signing_key import SigningKey

UNKNOWN_KID = "a-key-that-is-in-no-set"
_OTHERS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")


class KeyForger:
    """Forges signatures of an issuer who has a key pair, of which everybody knows the public half.

    `attacker_url` is where the attacker's own keys are served: a backend that fetches them, because
    a token's header says so, can be sent anywhere (RFC 8725, section 3.10).
    """

    def __init__(self, recipe: TokenRecipe, claims: dict[str, Any], attacker_url: str) -> None:
        assert recipe.key is not None
        self.recipe = recipe
        self.claims = claims
        self.issuer = recipe.key
        self.attacker: SigningKey = another_key(recipe.algorithm)
        self.url = attacker_url

    def forgeries(self) -> Iterator[tuple[str, str]]:
        """Every forgery by name; a name that ends in `!` is for every operation."""
        yield from self._signed_with_public_key()
        yield from self._signed_by_attacker()
        yield from self._of_other_algorithms()
        yield from self._with_a_broken_signature()

    def _signed_with_public_key(self) -> Iterator[tuple[str, str]]:
        """The public key as the secret of an HMAC: a library that takes any key accepts it."""
        pem, jwk = self.issuer.public_pem, self.issuer.jwk
        texts = {
            "public key as PEM": pem,
            "public key as PEM without a line end": pem.rstrip("\n"),
            "public key as a JWK": json.dumps(jwk),
            "public key as a compact JWK": json.dumps(jwk, separators=(",", ":")),
            "set of public keys": self.issuer.jwks,
        }
        for algorithm in DIGESTS:
            header = {**self.recipe.header, "alg": algorithm}
            for what, text in texts.items():
                mark = "!" if algorithm == "HS256" and text == pem else ""
                token = signed(header, self.claims, secret=text, algorithm=algorithm)
                yield f"{algorithm} with the {what}{mark}", token

    def _signed_by_attacker(self) -> Iterator[tuple[str, str]]:
        ours: dict[str, object] = {**self.recipe.header}
        plain = {name: value for name, value in ours.items() if name != "kid"}
        jwk = self.attacker.jwk
        headers: dict[str, dict[str, object]] = {
            "wrong key!": ours,
            "unknown kid!": {**plain, "kid": UNKNOWN_KID},
            "no kid": plain,
            "kid of another type": {**plain, "kid": 7},
            "kid that is a file": {**plain, "kid": "../../../../dev/null"},
            "kid that is SQL": {**plain, "kid": "x' UNION SELECT 'key' -- "},
            "kid that is a URL": {**plain, "kid": f"{self.url}/kid"},
            "jwk in the header!": {**plain, "kid": jwk["kid"], "jwk": jwk},
            "jwk in the header, with our kid": {**ours, "jwk": jwk},
            "jku!": {**plain, "kid": jwk["kid"], "jku": f"{self.url}/jku"},
            "jku, with our kid": {**ours, "jku": f"{self.url}/jku"},
            "x5u!": {**plain, "kid": jwk["kid"], "x5u": f"{self.url}/x5u"},
            "x5c in the header": {**plain, "x5c": [self.certificate]},
        }
        for name, header in headers.items():
            yield name, signed_by(self.attacker, header, self.claims)

    def _of_other_algorithms(self) -> Iterator[tuple[str, str]]:
        """A genuine signature under another name, and genuine keys by another algorithm."""
        header, used = self.recipe.header, self.recipe.algorithm
        for other in (*_OTHERS, *DIGESTS):
            if other != used:
                token = signed_by(self.issuer, {**header, "alg": other}, self.claims)
                yield f"declared as {other}", token
        for other in ("RS256", "RS384", "RS512", "PS256") if is_rsa(used) else ():
            if other != used:
                key = SigningKey(algorithm=other, private=self.issuer.private)
                yield f"signed by {other}!", signed_by(key, {**header, "alg": other}, self.claims)
                yield f"signed by {other}, declared as {used}", signed_by(key, header, self.claims)
        for missing in ({}, {"alg": None}, {"alg": [used]}, {"alg": ""}):
            changed = {**{k: v for k, v in header.items() if k != "alg"}, **missing}
            yield f"the header {missing}", signed_by(self.issuer, changed, self.claims)

    def _with_a_broken_signature(self) -> Iterator[tuple[str, str]]:
        header, claims = self.recipe.header, self.claims
        genuine = signed_by(self.issuer, header, claims)
        raw = self.issuer.sign(genuine.rpartition(".")[0].encode())
        yield "no signature", unsigned(header, claims)
        yield "a signature cut short", with_signature(genuine, raw[:-2])
        yield "half a signature", with_signature(genuine, raw[: len(raw) // 2])
        yield "a signature and more", with_signature(genuine, raw + b"\0\0")
        yield "a signature of one byte", with_signature(genuine, b"\0")
        # What Java accepted for any claims (CVE-2022-21449).
        yield "a signature of zeros!", with_signature(genuine, bytes(len(raw)))
        if self.recipe.algorithm in CURVES:
            half = len(raw) // 2
            numbers = (int.from_bytes(part) for part in (raw[:half], raw[half:]))
            yield "a signature in DER", with_signature(genuine, encode_dss_signature(*numbers))

    @cached_property
    def certificate(self) -> str:
        """The attacker's key in a certificate that the attacker signed, as `x5c` has it."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "attacker")])
        private, now = self.attacker.private, datetime.now(UTC)
        digest = None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(private, digest)
        )
        return b64encode(made.public_bytes(serialization.Encoding.DER)).decode()
