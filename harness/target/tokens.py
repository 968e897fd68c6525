"""How a client proves who it is: the tables of `[tokens]`."""

from typing import Self

from pydantic import model_validator

from harness.target.minted_tokens import MintedTokens
from harness.target.models import GivenTokens, Table
from harness.target.token_calls import CalledTokens


class Tokens(Table):
    """How a client proves who it is: exactly one of the three ways."""

    mint: MintedTokens | None = None
    given: GivenTokens | None = None
    calls: CalledTokens | None = None

    @property
    def makes_organizations(self) -> bool:
        """Whether new organizations can be had, with a user in each role."""
        return self.mint is not None or self.calls is not None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.mint, self.given, self.calls)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                "expected exactly one of [tokens.mint], [tokens.given] and [tokens.calls]"
            )
        return self
