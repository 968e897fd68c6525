"""Making tenants: every check makes its own, so that checks can share one system."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Self

from harness.client.cleanup import clean_up
from harness.client.client import Client, StoredEvents
from harness.client.dialect import Dialect
from harness.client.http.transport import Transport
from harness.client.left_exports import LeftExports
from harness.client.organization import Organization
from harness.client.routes import Routes, routes_of
from harness.client.run_mark import RunMark
from harness.client.tenants.provisioning import Provisioner
from harness.client.tenants.tenants import TenantEntry, tenant_entry
from harness.client.tokens.given_tokens import GivenUser, given_users
from harness.client.tokens.token_command import TokenCommand
from harness.client.tokens.token_source import RenewedToken
from harness.client.tokens.tokens import TokenRecipe, mint, recipe_of
from harness.errors import Inconclusive
from harness.target import Target
from harness.target.tables.chaos import CleanupCall, Removable
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape
from harness.target.tables.models import Limits
from harness.target.tables.pace import NO_PACE, Pace
from harness.vocabulary.roles import MEMBER, ROLES

RENEW_BEFORE_S = 60.0
"""How long before it runs out a minted token is minted again."""


class Organizations:
    """Makes tenants on one system, and clients with any token."""

    def __init__(
        self,
        transport: Transport,
        routes: Routes,
        recipe: TokenRecipe | None,
        given: Sequence[GivenUser] = (),
        cleanup: Mapping[Removable, CleanupCall] | None = None,
        provisioner: Provisioner | None = None,
        limits: Limits | None = None,
        chain: ChainShape = CONTRACT_CHAIN,
        tenants: TenantEntry | None = None,
        command: TokenCommand | None = None,
        pace: Pace = NO_PACE,
    ) -> None:
        self.transport = transport
        self.routes = routes
        self._recipe = recipe
        self._given = list(given)
        self._cleanup = cleanup or {}
        self._provisioner = provisioner
        self._limits = limits or Limits()
        self._chain = chain
        self.stored_events: Callable[[str], StoredEvents] | None = None
        """Gives what reads an organization's events from the database, by the organization's id."""
        self._tenants = tenants
        self._command = command
        self._pace = pace
        self.left = LeftExports() if pace.export_s is not None else None
        """What clients requested and no check waited for; None where exports take no time."""

    @classmethod
    def of(
        cls,
        target: Target,
        base_urls: Sequence[str],
        mark: RunMark | None = None,
        learn: Callable[[Iterable[str]], None] = lambda _: None,
        control_url: str | None = None,
        given: Sequence[GivenUser] | None = None,
    ) -> Self:
        """Make tenants at these URLs as the target file says. Close it afterwards.

        `control_url` is the system's own, for tenants that are entered by SQL.

        A `mark` is for a system that others use too. `learn` gets the tokens that the backend
        gives out, which reports must hide. `given` are the users with ready-made tokens; by
        default those of the target, of each of whom the organization must be known.
        """
        recipe = recipe_of(target) if target.tokens.mint else None
        routes = routes_of(target)
        transport = Transport(
            base_urls,
            mark,
            Dialect.of(target.contract, routes),
            has_gateway=target.driver == "external",
        )
        calls, tenants = target.tokens.calls, target.tokens.tenants
        by_calls = calls or (tenants.calls if tenants else None)
        command = target.tokens.command
        provisioner = (
            None
            if by_calls is None
            else Provisioner(
                tokens=by_calls,
                transport=transport,
                learn=learn,
                hands_out=target.hands_out("admin_token"),
            )
        )
        return cls(
            transport,
            routes,
            recipe,
            given_users(target) if given is None else given,
            target.cleanup,
            provisioner if calls else None,
            target.limits,
            target.chain,
            tenant_entry(target, provisioner, control_url),
            TokenCommand(tokens=command, learn=learn) if command else None,
            target.pace,
        )

    @property
    def recipe(self) -> TokenRecipe:
        """How tokens are minted. `Inconclusive` where the harness cannot make any."""
        if self._recipe is None:
            theirs = "this target gives ready-made ones ([tokens.given])"
            if self._provisioner:
                theirs = "the tokens of this target come from the backend itself ([tokens.calls])"
            if self._command:
                theirs = "a command gives the tokens of this target ([tokens.command])"
            raise Inconclusive(
                "this check makes tokens with claims of its own choosing, which takes "
                f"[tokens.mint]; {theirs}"
            )
        return self._recipe

    @recipe.setter
    def recipe(self, recipe: TokenRecipe) -> None:
        self._recipe = recipe

    @property
    def instances(self) -> int:
        """How many API instances there are."""
        return len(self.transport.base_urls)

    @property
    def can_make_more(self) -> bool:
        """Whether new ones can be had, as many as are wanted, with a user in each role."""
        return any(way is not None for way in (self._recipe, self._provisioner, self._command))

    @property
    def has_key_pair(self) -> bool:
        """Whether tokens are signed with a private key, and checked with a public one."""
        return self._recipe is not None and self._recipe.key is not None

    @property
    def can_mint(self) -> bool:
        """Whether tokens with claims of a check's own choosing can be had."""
        return self._recipe is not None

    async def new(self, name: str = "") -> Organization:
        """Make a tenant that has nothing yet; where tokens were given, take the next of those.

        Raises `Inconclusive` when all that were given are taken, `Misconfigured` when the backend
        does not make one by the target's calls.
        """
        mark = self.transport.mark
        if self._provisioner is not None:
            title = mark.title(name) if mark else name or "Shakedown"
            made = await self._provisioner.new_organization(title)
            if mark is not None:
                mark.record_organization(made.id, made.made_with)
            return self._organization(made.id, name, made.users, made.tokens)
        if self._recipe is None and self._command is None:
            return self._next_given(name)
        organization = str(uuid.uuid4())
        users = {role: str(uuid.uuid4()) for role in ROLES}
        if self._tenants is not None:
            title = mark.title(name) if mark else name or "Shakedown"
            entered = await self._tenants.enter(title, organization, users)
            organization, users = entered.id, entered.users
            if mark is not None and entered.made_with:
                mark.record_organization(organization, entered.made_with)
        tokens = {role: await self._token(user, organization, role) for role, user in users.items()}
        renewed = {
            role: self._renewed(token, users[role], organization, role)
            for role, token in tokens.items()
        }
        return self._organization(organization, name, users, tokens, renewed=renewed)

    def _renewed(self, token: str, user: str, organization: str, role: str) -> RenewedToken:
        early_s = self._command.tokens.renew_before_s if self._command else RENEW_BEFORE_S
        return RenewedToken(
            make=self._token,
            user=user,
            organization=organization,
            role=role,
            renew_before_s=early_s,
            current=token,
        )

    async def _token(self, user: str, organization: str, role: str) -> str:
        if self._command is not None:
            token = await self._command.token(user, organization, role)
        else:
            token = mint(self.recipe, user=user, organization=organization, role=role)
        self._note(token, organization)
        return token

    def _note(self, token: str, organization: str) -> None:
        self.transport.lifetimes.note(token)
        self.transport.organizations.note(token, organization)

    def _next_given(self, name: str) -> Organization:
        if not self._given:
            raise Inconclusive(
                "this check needs one more organization, and the target gives no token of another"
            )
        user = self._given.pop(0)
        users, tokens = {MEMBER: user.id}, {MEMBER: user.token}
        return self._organization(user.organization, name, users, tokens, user)

    def _organization(
        self,
        id_: str,
        name: str,
        users: dict[str, str],
        tokens: dict[str, str],
        given: GivenUser | None = None,
        renewed: Mapping[str, RenewedToken] | None = None,
    ) -> Organization:
        for token in tokens.values():
            self._note(token, id_)
        return Organization(
            id=id_,
            name=name,
            users=users,
            tokens=tokens,
            renewed=renewed or {},
            client=replace(
                self.with_token(tokens[MEMBER]),
                renewed=(renewed or {}).get(MEMBER),
                is_shared=given is not None,
                stored_events=self.stored_events(id_) if self.stored_events else None,
            ),
            is_fresh=given is None,
            given_job=given.job if given else None,
        )

    async def several(self, count: int) -> list[Organization]:
        """Make a number of tenants."""
        return [await self.new(f"organization {number}") for number in range(1, count + 1)]

    def with_token(self, token: str | None) -> Client:
        """A client with any token at all, also none."""
        return Client(
            transport=self.transport,
            routes=self.routes,
            token=token,
            key_lease_s=self._limits.key_lease_s,
            chain=self._chain,
            pace=self._pace,
            left=self.left,
        )

    async def close(self) -> None:
        """Close every connection; before that, remove what was made if the mark says so."""
        mark = self.transport.mark
        try:
            if mark is not None and mark.cleanup:
                await clean_up(mark, self.transport, self.routes, self._cleanup)
        finally:
            await self.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
