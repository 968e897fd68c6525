"""Contradictions of `[tokens.mint]`: a secret and a key pair do not go together."""

from collections.abc import Iterator

from harness.signing.algorithms import DIGESTS, kind_of_key
from harness.signing.signing_key import BadKey
from harness.target.target import Target
from harness.target.tokens.minted_tokens import MintedTokens
from harness.target.toml.lines import KeyPath

_MINT: KeyPath = ("tokens", "mint")


def broken_minting_rules(target: Target) -> Iterator[tuple[KeyPath, str]]:
    """Find every contradiction in `[tokens.mint]`: where it stands, and what was expected."""
    mint = target.tokens.mint
    if mint is None:
        return
    if mint.is_symmetric:
        yield from _with_a_secret(mint)
    else:
        yield from _with_a_key_pair(target, mint)


def _with_a_secret(mint: MintedTokens) -> Iterator[tuple[KeyPath, str]]:
    if mint.secret is None:
        what = f'missing; algorithm = "{mint.algorithm}" signs with a secret that the backend knows'
        yield (*_MINT, "secret"), what
    for name in ("private_key", "private_key_file"):
        if getattr(mint, name) is not None:
            what = f'algorithm = "{mint.algorithm}" has no key pair; remove it, or name another one'
            yield (*_MINT, name), what


def _with_a_key_pair(target: Target, mint: MintedTokens) -> Iterator[tuple[KeyPath, str]]:
    algorithm = f'algorithm = "{mint.algorithm}"'
    if mint.secret is not None:
        what = (
            f"{algorithm} signs with a private key, so there is no secret: remove it, and give "
            f"the backend {{jwks_url}}, {{jwks_file}} or {{jwt_public_key}}; a secret goes with "
            f"{', '.join(DIGESTS)}"
        )
        yield (*_MINT, "secret"), what
    if mint.private_key is None and mint.private_key_file is None:
        if target.driver == "external":
            what = (
                'missing; driver = "external": the backend has its keys already, and no key pair '
                f'of ours: give the private one ("{{env:NAME}}"), {kind_of_key(mint.algorithm)}'
            )
            yield (*_MINT, "private_key"), what
        return
    try:
        _ = mint.given_key
    except BadKey as problem:
        name = "private_key" if mint.private_key_file is None else "private_key_file"
        yield (*_MINT, name), f"expected a private key for {mint.algorithm}, {problem}"
