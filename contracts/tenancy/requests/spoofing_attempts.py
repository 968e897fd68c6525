"""Requests that name another organization or role in an untrusted place: it must have no effect."""

import itertools
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.requests.answer_comparison import content_of
from contracts.tenancy.requests.expectations import (
    NO_FOREIGN_DATA,
    expect_absent,
    expect_no_leak,
    expect_status_in,
)
from contracts.tenancy.requests.lists import expect_owned_by
from contracts.tenancy.requests.personas import Persona
from contracts.tenancy.requests.request_shapes import RequestShape
from contracts.tenancy.requests.spoofing import Spoof, has_place_for, token_of
from harness.client import Answer, Client, Organizations, Samples
from harness.client.tokens.tokens import ABSENT
from harness.expect import expect, expect_equal
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations

REFUSED = frozenset(range(400, 500))
SERVED = frozenset(range(200, 300))
NOT_THIS_WAY = frozenset({400, 422})
"""For a query or body with unknown members: a backend may refuse or ignore them."""


@dataclass(frozen=True, kw_only=True)
class SpoofingAttempts:
    """Requests of a user of one organization that name another one, the victim."""

    organizations: Organizations
    own: PopulatedTenant
    victim: PopulatedTenant
    samples: Samples
    observe: Observations
    cover: Coverage
    cells: Cells
    instances: Iterator[int] = field(default_factory=itertools.count)

    def all_attempts(
        self, shapes: Sequence[RequestShape], spoofs: Sequence[Spoof]
    ) -> Iterator[Sequence[Awaitable[None]]]:
        """All attempts, in order: those that write come last."""
        pairs = [pair for pair in itertools.product(shapes, spoofs) if has_place_for(*pair)]
        writing = [(shape, spoof) for shape, spoof in pairs if shape.operation.writes]
        yield [self.read(shape, spoof) for shape, spoof in pairs if not shape.operation.writes]
        if self.organizations.can_mint:
            yield [self.without_organization(shape, spoof) for shape, spoof in pairs]
            roles: tuple[object, ...] = ("viewer", ABSENT)
            if not self.organizations.recipe.names_role:
                roles = ("viewer",)  # who is in the database has a role
            yield [self.escalate_role(*pair, role) for pair in writing for role in roles]
        yield [self.write(shape, spoof) for shape, spoof in writing]

    async def read(self, shape: RequestShape, spoof: Spoof) -> None:
        """A read returns the same as without the spoofed values."""
        async with self._cell(shape, spoof, "a read"):
            instance = next(self.instances)
            plain = shape.request(self.own.own_ids(shape.slots), self.own.sample)
            usual = await plain.send(self.own.org.client, instance)
            answer = await self._send(shape, spoof, self.own, self._client(spoof), instance)
            what = f"{shape} with another organization in {spoof.name}"
            expect_status_in(answer, SERVED if spoof.in_token else SERVED | REFUSED, what)
            if answer.status in SERVED:
                expect_equal(content_of(answer), content_of(usual), f"the answer to {what}")
            await self._request_victims_data(shape, spoof, instance)
            self._record(shape, spoof, "reads")

    async def write(self, shape: RequestShape, spoof: Spoof) -> None:
        """A write goes to the own organization, or is refused."""
        async with self._cell(shape, spoof, "a write"):
            instance = next(self.instances)
            await self._request_victims_data(shape, spoof, instance)
            answer = await self._send(shape, spoof, self.own, self._client(spoof), instance)
            what = f"{shape} with another organization in {spoof.name}"
            expect_status_in(answer, SERVED | ({409} if spoof.in_token else REFUSED), what)
            if answer.status in SERVED and answer.body:
                expect_owned_by(self.own, answer.data, f"the answer to {what}")
                by = answer.data.get("created_by")
                expect(
                    by not in self.victim.org.users.values(),
                    expected=f"a created_by of the own organization in the answer to {what}",
                    got=f"{by!r}, a user of the other organization",
                    rule=NO_FOREIGN_DATA,
                    subject=shape.operation.id,
                )
            self._record(shape, spoof, "writes")

    async def without_organization(self, shape: RequestShape, spoof: Spoof) -> None:
        """A token without an organization gets no access to one."""
        async with self._cell(shape, spoof, "a token without an organization"):
            token = token_of(
                self.organizations.recipe, self.own.org, spoof, with_organization=False
            )
            client = self.organizations.with_token(token)
            looked_up = not self.organizations.recipe.names_organization
            no_organization = (401, 403) if looked_up else (403,)
            for tenant in (self.victim, self.own):
                answer = await self._send(shape, spoof, tenant, client, next(self.instances))
                expect_status_in(
                    answer,
                    self._refusals(spoof, *no_organization),
                    f"{shape} with an organization in {spoof.name} only",
                )
            self._record(shape, spoof, "of no organization")

    async def escalate_role(self, shape: RequestShape, spoof: Spoof, role: object) -> None:
        """A viewer, or a user without a role, does not become an owner."""
        who = "a viewer" if role == "viewer" else "a user without a role"
        async with self._cell(shape, spoof, f"a write by {who}"):
            token = token_of(self.organizations.recipe, self.own.org, spoof, role=role)
            client = self.organizations.with_token(token)
            answer = await self._send(shape, spoof, self.own, client, next(self.instances))
            statuses = (403,) if role == "viewer" else (401, 403)
            what = f"{shape} by {who} with the role owner in {spoof.name}"
            expect_status_in(answer, self._refusals(spoof, *statuses), what)
            self._record(shape, spoof, "role escalations")

    async def _request_victims_data(self, shape: RequestShape, spoof: Spoof, instance: int) -> None:
        if not shape.slots:
            return
        client = self._client(spoof)
        answer = await self._send(shape, spoof, self.victim, client, instance)
        if spoof.in_token or not answer.is_a(*REFUSED):
            member = Persona(name="member", client=client, refused=None)
            expect_absent(answer, shape, shape.slots, member)

    async def _send(
        self,
        shape: RequestShape,
        spoof: Spoof,
        about: PopulatedTenant,
        client: Client,
        instance: int,
    ) -> Answer:
        request = spoof.request(shape, about.own_ids(shape.slots), self.samples.new())
        answer = await request.send(client, instance)
        what = f"{shape} with {spoof.name} that names another organization"
        expect(
            answer.status < 500,
            expected="an answer below 500",
            got=answer.describe(),
            detail=what,
        )
        expect_no_leak(self.victim, request, answer, what=what)
        return answer

    def _cell(
        self, shape: RequestShape, spoof: Spoof, case: str
    ) -> AbstractAsyncContextManager[None]:
        return self.cells.of(operation=shape.operation.id, place=spoof.name, case=case)

    def _client(self, spoof: Spoof) -> Client:
        if not spoof.in_token:
            return self.own.org.client
        token = token_of(self.organizations.recipe, self.own.org, spoof)
        return self.organizations.with_token(token)

    def _refusals(self, spoof: Spoof, *statuses: int) -> frozenset[int]:
        further = NOT_THIS_WAY if spoof.query or spoof.members else frozenset()
        return frozenset(statuses) | further

    def _record(self, shape: RequestShape, spoof: Spoof, what: str) -> None:
        self.cover("spoofing", operation=shape.operation.id, place=spoof.name)
        self.observe(what=what)
