"""Tenants: every check makes its own, so that checks share one system and disturb nobody."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from harness.client.answer import Record
from harness.client.client import Client
from harness.client.of_target import recipe_of, routes_of
from harness.client.routes import Routes
from harness.client.tokens import TokenRecipe, mint
from harness.client.transport import Transport
from harness.target import Target

ROLES = ("owner", "member", "viewer")


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """One tenant with a user in each role."""

    id: str
    name: str
    users: dict[str, str]
    """User id by role."""
    tokens: dict[str, str] = field(repr=False)
    """Bearer token by role."""
    client: Client = field(repr=False)
    """The member's client: somebody who may write."""

    def as_role(self, role: str) -> Client:
        """The client of this organisation's `owner`, `member` or `viewer`."""
        return Client(
            transport=self.client.transport, routes=self.client.routes, token=self.tokens[role]
        )

    async def new_job(self, title: str = "") -> Record:
        """Make a job and give its data."""
        return await self.client.create_job(title or f"Job of {self.name or self.id}")


class Organisations:
    """Makes tenants on one system, and clients for those who are no tenant's."""

    def __init__(self, transport: Transport, routes: Routes, recipe: TokenRecipe) -> None:
        self.transport = transport
        self.routes = routes
        self.recipe = recipe

    @classmethod
    def of(cls, target: Target, base_urls: Sequence[str]) -> Self:
        """Speak to the instances at these URLs as the target file says. Close it afterwards."""
        return cls(Transport(base_urls), routes_of(target), recipe_of(target))

    @property
    def instances(self) -> int:
        """How many API instances there are."""
        return len(self.transport.base_urls)

    async def new(self, name: str = "") -> Organisation:
        """Make a tenant that has nothing yet."""
        organization = str(uuid.uuid4())
        users = {role: str(uuid.uuid4()) for role in ROLES}
        tokens = {
            role: mint(self.recipe, user=user, organization=organization, role=role)
            for role, user in users.items()
        }
        return Organisation(
            id=organization,
            name=name,
            users=users,
            tokens=tokens,
            client=self.with_token(tokens["member"]),
        )

    async def several(self, count: int) -> list[Organisation]:
        """Make a number of tenants."""
        return [await self.new(f"organisation {number}") for number in range(1, count + 1)]

    def with_token(self, token: str | None) -> Client:
        """A client with any token at all, also none."""
        return Client(transport=self.transport, routes=self.routes, token=token)

    async def close(self) -> None:
        """Close every connection."""
        await self.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
