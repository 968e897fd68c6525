"""Tokens that the harness signs itself: `[tokens.mint]`."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, SecretStr

from harness.signing.algorithms import Algorithm, is_symmetric
from harness.signing.signing_key import SigningKey
from harness.target.tables.models import Seconds, Table
from harness.vocabulary.roles import ROLES

KEY_PLACEHOLDERS = ("jwks_url", "jwks_file", "jwt_public_key")
"""How a backend gets the public keys of an asymmetric algorithm."""


class MintedTokens(Table):
    """How the harness signs tokens: with a shared secret, or with a private key."""

    algorithm: Algorithm = "HS256"
    secret: SecretStr | None = None
    """Of HS256, HS384 and HS512, which need one."""
    private_key: SecretStr | None = None
    """Of the other algorithms: PEM or a JWK; without one each run makes a key pair of its own."""
    private_key_file: str | None = None
    """The same, in a file. In the target file: relative to it. Once loaded it is `private_key`."""
    kid: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")] | None = (
        None
    )
    """The key's id in the header of tokens; by default the thumbprint of a key pair of the run."""
    audience: str | None = None
    issuer: str | None = None
    lifetime_s: Seconds = 3600
    claims: Mapping[str, Any]
    """A template: `{user}`, `{organization}` and `{role}` are filled in, at any depth."""
    roles: tuple[str, ...] = ROLES
    role_names: Mapping[str, str] = {}
    """What the claims call a role, by the contract's name, where it is called differently."""

    @property
    def is_symmetric(self) -> bool:
        """Whether the backend has the secret that tokens are signed with."""
        return is_symmetric(self.algorithm)

    @property
    def makes_keys(self) -> bool:
        """Whether each run makes a key pair of its own."""
        return not self.is_symmetric and self.private_key is None

    @cached_property
    def given_key(self) -> SigningKey | None:
        """The private key of the target file. Raises `BadKey` for one of another algorithm."""
        if self.is_symmetric or self.private_key is None:
            return None
        return SigningKey.read(self.private_key.get_secret_value(), self.algorithm, self.kid)
