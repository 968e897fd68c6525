"""How a client proves who it is: the tables of `[tokens]`."""

from typing import Self

from pydantic import SecretStr, model_validator

from harness.target.tables.models import Table
from harness.target.tokens.given_tokens import GivenTokens
from harness.target.tokens.minted_tokens import MintedTokens
from harness.target.tokens.token_calls import CalledTokens
from harness.target.tokens.token_command import CommandTokens
from harness.target.tokens.token_tenants import Tenants


class Tokens(Table):
    """How a client proves who it is: exactly one of the four ways."""

    mint: MintedTokens | None = None
    given: GivenTokens | None = None
    calls: CalledTokens | None = None
    command: CommandTokens | None = None
    tenants: Tenants | None = None
    """How tenants are entered where the backend looks them up; beside `mint` or `command`."""

    @property
    def makes_organizations(self) -> bool:
        """Whether new organizations can be had, with a user in each role."""
        return self.chooses_users or self.calls is not None

    @property
    def admin_token(self) -> SecretStr | None:
        """What opens the calls that make organizations."""
        if self.calls is not None:
            return self.calls.admin_token
        return self.tenants.calls.admin_token if self.tenants and self.tenants.calls else None

    @property
    def makes_by_calls(self) -> bool:
        """Whether organizations are made by calls of the backend's API."""
        return self.calls is not None or bool(self.tenants and self.tenants.calls)

    @property
    def chooses_users(self) -> bool:
        """Whether the harness says which user, of which organization, a token is of."""
        return self.mint is not None or self.command is not None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.mint, self.given, self.calls, self.command)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                "expected exactly one of [tokens.mint], [tokens.given], [tokens.calls] and "
                "[tokens.command]"
            )
        return self
