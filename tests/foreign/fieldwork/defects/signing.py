"""Bugs in what a token or a signed address opens."""

from typing import Any

import jwt

from tests.foreign.changes import all_of, put
from tests.foreign.fieldwork import bucket, tokens
from tests.foreign.fieldwork.defects.defect import Defect
from tests.foreign.fieldwork.refusals import invalid

_verified = tokens.verified


def _of_any_age(token: str, key: Any, audience: str, issuer: str) -> dict[str, Any]:  # noqa: ANN401
    return jwt.decode(
        token,
        key,
        algorithms=[tokens.ALGORITHM],
        audience=audience,
        issuer=issuer or None,
        options={"verify_exp": False},
    )


def _for_anybody(token: str, key: Any, audience: str, issuer: str) -> dict[str, Any]:  # noqa: ANN401
    return jwt.decode(
        token,
        key,
        algorithms=[tokens.ALGORITHM],
        issuer=issuer or None,
        leeway=tokens.LEEWAY_S,
        options={"require": ["exp", "sub"], "verify_aud": False},
    )


def _unsigned_while_keys_change(
    token: str,
    key: Any,  # noqa: ANN401
    audience: str,
    issuer: str,
) -> dict[str, Any]:
    if key is not None:
        return _verified(token, key, audience, issuer)
    return jwt.decode(token, audience=audience, options={"verify_signature": False})


_key_of = tokens.Keys.of


def _none_while_keys_change(keys: tokens.Keys, token: str) -> Any:  # noqa: ANN401
    try:
        return _key_of(keys, token)
    except jwt.PyJWTError:
        return None


def _for_ever(_bucket: bucket.Bucket, key: str, token: str) -> dict[str, str]:
    try:
        granted = jwt.decode(
            token, _bucket.secret, algorithms=["HS256"], options={"verify_exp": False}
        )
    except jwt.PyJWTError as error:
        raise invalid("This address was not signed here.") from error
    return {"name": granted["name"], "type": granted["type"]}


DEFECTS = (
    Defect(
        id="token-of-any-age",
        title="Tokens never expire",
        source="L9: exp ignored",
        expected=("tenancy.tokens",),
        switch_on=put(tokens, "verified", _of_any_age),
    ),
    Defect(
        id="token-for-anybody",
        title="A token for another service is taken",
        source="L9: the audience of a token is not looked at",
        expected=("tenancy.tokens",),
        switch_on=put(tokens, "verified", _for_anybody),
    ),
    Defect(
        id="unknown-key-unverified",
        title="A token of an unknown key is believed while keys are changed",
        source="L9: JWT unverified",
        expected=("tenancy.tokens",),
        switch_on=all_of(
            put(tokens.Keys, "of", _none_while_keys_change),
            put(tokens, "verified", _unsigned_while_keys_change),
        ),
    ),
    Defect(
        id="address-for-ever",
        title="A signed address works for ever",
        source="a bucket that checks the signature alone",
        expected=("tenancy.signed-addresses",),
        switch_on=put(bucket.Bucket, "opened", _for_ever),
    ),
)
