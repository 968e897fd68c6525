"""Bugs that `KEYED_DEFECT=<id>` switches on: how tokens with public keys go wrong.

`python -m tests.foreign.keyed.defects` prints them as JSON, for `[zoo] list_command`.
"""

import hmac
import json
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

from tests.foreign.keyed import profiles, verifying
from tests.foreign.keyed.verifying import Keys


@dataclass(frozen=True, kw_only=True)
class Defect:
    id: str
    title: str
    switch_on: Callable[[], None]
    expected: tuple[str, ...] = ("tenancy.tokens",)

    def shown(self) -> dict[str, Any]:
        """The defect as `[zoo] list_command` prints it."""
        return {
            "id": self.id,
            "title": self.title,
            "family": "tenancy",
            "source": "RFC 8725, sections 2 and 3",
            "expected": list(self.expected),
        }


def _public_key_as_secret() -> None:
    clean = verifying.claims_in

    def claims_in(keys: Keys, token: str, audience: str) -> dict[str, Any]:
        if jwt.get_unverified_header(token).get("alg") != "HS256":
            return clean(keys, token, audience)
        # What libraries did before they refused such keys (CVE-2015-9235, CVE-2022-29217).
        pem = verifying_pem(keys)
        message, _, signature = token.rpartition(".")
        if hmac.digest(pem, message.encode(), "sha256") != _decoded(signature):
            raise jwt.InvalidSignatureError
        return _unverified(token, audience)

    verifying.claims_in = claims_in


def verifying_pem(keys: Keys) -> bytes:
    if keys.is_pem:
        return keys.source.encode()
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    (one,) = keys._by_kid.values()
    pem: bytes = one.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def _unverified(token: str, audience: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        audience=audience,
        options={
            "verify_signature": False,
            "verify_exp": True,
            "verify_aud": True,
            "require": ["exp", "aud", "sub"],
        },
    )
    return claims


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _taking_key(find: Callable[[dict[str, Any]], Any]) -> None:
    clean = verifying.key_of

    def key_of(keys: Keys, token: str, header: dict[str, Any]) -> tuple[Any, list[str]]:
        found = find(header)
        return clean(keys, token, header) if found is None else (found, [keys.algorithm])

    verifying.key_of = key_of


def _follows_jku() -> None:
    def find(header: dict[str, Any]) -> object:
        if not isinstance(header.get("jku"), str):
            return None
        return jwt.PyJWK(json.loads(verifying.fetched(header["jku"]))["keys"][0]).key

    _taking_key(find)


def _looks_at_jku() -> None:
    def find(header: dict[str, Any]) -> object:
        if isinstance(header.get("jku"), str):
            verifying.fetched(header["jku"])  # "to see whether it is one of ours"
        return None

    _taking_key(find)


def _key_in_header() -> None:
    _taking_key(lambda header: jwt.PyJWK(header["jwk"]).key if "jwk" in header else None)


def _unknown_kid_is_not_checked() -> None:
    clean = verifying.claims_in

    def claims_in(keys: Keys, token: str, audience: str) -> dict[str, Any]:
        try:
            return clean(keys, token, audience)
        except jwt.InvalidTokenError as error:
            if str(error) != "no such key":
                raise
            return _unverified(token, audience)

    verifying.claims_in = claims_in


def _zeros_are_a_signature() -> None:
    clean = verifying.claims_in

    def claims_in(keys: Keys, token: str, audience: str) -> dict[str, Any]:
        if not any(_decoded(token.rpartition(".")[2])):
            return _unverified(token, audience)
        return clean(keys, token, audience)

    verifying.claims_in = claims_in


def _claims_win() -> None:
    def trusted(found: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        named = claims.get("app_metadata")
        return {**found, **named} if isinstance(named, dict) else found

    profiles.trusted = trusted


DEFECTS = (
    Defect(
        id="public-key-as-secret",
        title="A token signed by HS256 with the public key is accepted",
        switch_on=_public_key_as_secret,
    ),
    Defect(
        id="follows-jku", title="Keys are fetched from where a token says", switch_on=_follows_jku
    ),
    Defect(
        id="looks-at-jku",
        title="The address in a token is asked, and its keys are not used",
        switch_on=_looks_at_jku,
    ),
    Defect(id="key-in-header", title="A token brings its own key", switch_on=_key_in_header),
    Defect(
        id="unknown-kid-unchecked",
        title="A token with an unknown kid is read without checking it",
        switch_on=_unknown_kid_is_not_checked,
    ),
    Defect(
        id="zeros-are-a-signature",
        title="A signature of zeros fits every token (CVE-2022-21449)",
        switch_on=_zeros_are_a_signature,
    ),
    Defect(
        id="claims-win",
        title="A claim with an organization wins over the user's profile",
        switch_on=_claims_win,
        expected=("tenancy.user-metadata",),
    ),
)


def switch_on(defect: str) -> None:
    """Make the program wrong; an empty id changes nothing. Raises `KeyError` for an unknown one."""
    if defect:
        {one.id: one for one in DEFECTS}[defect].switch_on()


if __name__ == "__main__":
    sys.stdout.write(json.dumps([one.shown() for one in DEFECTS], indent=1) + "\n")
