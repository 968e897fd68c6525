"""What may come of naming another organization or role where nobody vouches for it."""

import itertools
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field

from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.requests.answer_comparison import content_of
from contracts.tenancy.requests.expectations import expect_absent, expect_no_leak, expect_status_in
from contracts.tenancy.requests.lists import expect_owned_by
from contracts.tenancy.requests.personas import Persona
from contracts.tenancy.requests.request_shapes import RequestShape
from contracts.tenancy.requests.spoofing import Spoof, has_place_for, token_of
from harness.client import Answer, Client, Organizations, Samples
from harness.client.tokens import ABSENT
from harness.expect import expect, expect_equal
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations

REFUSED = frozenset(range(400, 500))
SERVED = frozenset(range(200, 300))
NOT_THIS_WAY = frozenset({400, 422})
"""For a query or a body with more in it than the route takes: a server may say so, or not look."""


@dataclass(frozen=True, kw_only=True)
class SpoofingAttempts:
    """A user of one organization, and another organization that is named without right."""

    organizations: Organizations
    own: PopulatedTenant
    victim: PopulatedTenant
    samples: Samples
    observe: Observations
    cover: Coverage
    instances: Iterator[int] = field(default_factory=itertools.count)

    def everything(
        self, shapes: Sequence[RequestShape], ways: Sequence[Spoof]
    ) -> Iterator[Sequence[Awaitable[None]]]:
        """All that is tried, in an order that matters: what changes something comes last."""
        pairs = [(shape, way) for shape in shapes for way in ways if has_place_for(shape, way)]
        writing = [(shape, way) for shape, way in pairs if shape.operation.writes]
        yield [self.read(shape, way) for shape, way in pairs if not shape.operation.writes]
        if self.organizations.can_mint:
            yield [self.without_organization(shape, way) for shape, way in pairs]
            roles = ("viewer", ABSENT)
            yield [self.escalate_role(shape, way, role) for shape, way in writing for role in roles]
        yield [self.write(shape, way) for shape, way in writing]

    async def read(self, shape: RequestShape, way: Spoof) -> None:
        """Reading is as if nothing more had been said: own things as they are, no others."""
        instance = next(self.instances)
        plain = shape.request(self.own.own_ids(shape.slots), self.own.sample)
        usual = await plain.send(self.own.org.client, instance)
        answer = await self._send(shape, way, self.own, self._client(way), instance)
        what = f"{shape} with another organization in {way.name}"
        expect_status_in(answer, SERVED if way.in_token else SERVED | REFUSED, what)
        if answer.status in SERVED:
            expect_equal(content_of(answer), content_of(usual), f"the answer to {what}")
        await self._ask_about_the_other(shape, way, instance)
        self._saw(shape, way, "reads")

    async def write(self, shape: RequestShape, way: Spoof) -> None:
        """What is written is written in the own organization, or not at all."""
        instance = next(self.instances)
        await self._ask_about_the_other(shape, way, instance)
        answer = await self._send(shape, way, self.own, self._client(way), instance)
        what = f"{shape} with another organization in {way.name}"
        expect_status_in(answer, SERVED | ({409} if way.in_token else REFUSED), what)
        if answer.status in SERVED and answer.body:
            expect_owned_by(self.own, answer.data, f"the answer to {what}")
            by = answer.data.get("created_by")
            expect(
                by not in self.victim.org.users.values(),
                expected=f"nobody else to have written what {what} writes",
                got=f"created_by {by!r}, a user of the other organization",
            )
        self._saw(shape, way, "writes")

    async def without_organization(self, shape: RequestShape, way: Spoof) -> None:
        """Who is of no organization does not become one of any by saying so."""
        token = token_of(self.organizations.recipe, self.own.org, way, with_organization=False)
        client = self.organizations.with_token(token)
        for tenant in (self.victim, self.own):
            answer = await self._send(shape, way, tenant, client, next(self.instances))
            expect_status_in(
                answer, self._refusals(way, 403), f"{shape} with an organization in {way.name} only"
            )
        self._saw(shape, way, "of no organization")

    async def escalate_role(self, shape: RequestShape, way: Spoof, role: object) -> None:
        """A viewer, or somebody without a role, does not become an owner by saying so."""
        token = token_of(self.organizations.recipe, self.own.org, way, role=role)
        client = self.organizations.with_token(token)
        answer = await self._send(shape, way, self.own, client, next(self.instances))
        expected = self._refusals(way, 403) if role == "viewer" else self._refusals(way, 401, 403)
        who = "a viewer" if role == "viewer" else "somebody without a role"
        expect_status_in(answer, expected, f"{shape} by {who} who says `owner` in {way.name}")
        self._saw(shape, way, "climbs")

    async def _ask_about_the_other(self, shape: RequestShape, way: Spoof, instance: int) -> None:
        if not shape.slots:
            return
        client = self._client(way)
        answer = await self._send(shape, way, self.victim, client, instance)
        if way.in_token or answer.status not in REFUSED:
            member = Persona(name="member", client=client, refused=None)
            expect_absent(answer, shape, shape.slots, member)

    async def _send(
        self, shape: RequestShape, way: Spoof, about: PopulatedTenant, client: Client, instance: int
    ) -> Answer:
        request = way.request(shape, about.own_ids(shape.slots), self.samples.new())
        answer = await request.send(client, instance)
        what = f"{shape} with {way.name} that names another organization"
        expect(
            answer.status < 500,
            expected="no error of the server",
            got=answer.describe(),
            detail=what,
        )
        expect_no_leak(self.victim, request, answer, what=what)
        return answer

    def _client(self, way: Spoof) -> Client:
        if not way.in_token:
            return self.own.org.client
        token = token_of(self.organizations.recipe, self.own.org, way)
        return self.organizations.with_token(token)

    def _refusals(self, way: Spoof, *statuses: int) -> frozenset[int]:
        further = NOT_THIS_WAY if way.query or way.members else frozenset()
        return frozenset(statuses) | further

    def _saw(self, shape: RequestShape, way: Spoof, what: str) -> None:
        self.cover("unvouched", operation=shape.operation.id, place=way.name)
        self.observe(what=what)
