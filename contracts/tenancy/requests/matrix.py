"""The matrix: each operation with own, foreign, unknown and malformed ids, as each persona."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from contracts.shared.tenants.operations import IdSlot
from contracts.shared.tenants.populated_tenant import PopulatedTenant, malformed_id, unknown_id
from contracts.tenancy.requests.answer_comparison import Asked, expect_indistinguishable
from contracts.tenancy.requests.expectations import (
    expect_absent,
    expect_malformed,
    expect_no_leak,
    expect_own,
    expect_refused,
)
from contracts.tenancy.requests.personas import Persona
from contracts.tenancy.requests.request_shapes import PreparedRequest, RequestShape
from harness.client import Answer, Sample
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage

TABLE = "operations"

Relation = Literal["foreign", "absent", "malformed"]

_VALUES: Mapping[Relation, Callable[[Any], Any]] = {
    "foreign": lambda value: value,
    "absent": unknown_id,
    "malformed": malformed_id,
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request shape, and foreign values for some of its ids."""

    shape: RequestShape
    varied: tuple[IdSlot, ...]
    foreign: Mapping[str, Any]

    def __str__(self) -> str:
        names = " and ".join(slot.name for slot in self.varied)
        return f"{self.shape} with a foreign {names}"


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Two organizations: the stranger sends ids that belong to the owner."""

    owner: PopulatedTenant
    stranger: PopulatedTenant
    sample: Sample
    """The file of the stranger's uploads."""
    cover: Coverage
    cells: Cells
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    """The cells that were checked: operation, kind of id, persona."""

    def questions(self, shape: RequestShape) -> Iterator[Question]:
        """One foreign id among own ones, for each id of the shape; then all of them."""
        subsets: list[tuple[IdSlot, ...]] = [(slot,) for slot in shape.slots]
        if len(shape.slots) > 1:
            subsets.append(shape.slots)
        for varied in subsets:
            for foreign in self.owner.own_id_choices(varied):
                yield Question(shape=shape, varied=varied, foreign=foreign)

    def request(
        self, question: Question, relation: Relation, *, at_home: bool = False
    ) -> PreparedRequest:
        """The stranger's request: ids of this relation in the varied slots, else its own ids.

        `at_home`: in the path of the owner's organization, where it is in the path.
        """
        values = {name: _VALUES[relation](value) for name, value in question.foreign.items()}
        own = self.stranger.own_ids(question.shape.slots)
        if at_home:
            outer = [slot for slot in question.shape.slots if slot.kind == "organization"]
            own |= self.owner.own_ids([slot for slot in outer if slot.place == "path"])
        return question.shape.request(own | values, self.sample)

    def own_request(self, question: Question) -> PreparedRequest:
        """The owner's request with the same ids."""
        own = self.owner.own_ids(question.shape.slots)
        return question.shape.request(own | dict(question.foreign), self.sample)

    async def ask(
        self, question: Question, owner: Persona, stranger: Persona, instance: int
    ) -> None:
        """Send the requests as the same persona of both organizations, and check every answer.

        The owner asks first on the same instance, so that a cached answer could leak, and again
        at the end, to see that the thing still exists.
        """
        shape, what = question.shape, f"{question}, sent by: {stranger.name}"
        cell = partial(self.cells.of, operation=shape.operation.id, token=stranger.name)
        varied = "+".join(slot.name for slot in question.varied)
        own, foreign = (
            self.asking_own(question, owner, instance),
            self.asking(question, "foreign", stranger, instance),
        )
        random = self.asking(question, "absent", stranger, instance)
        async with cell(id="own"):
            if stranger.refused:
                await expect_indistinguishable(own, random, f"{shape}, sent by: {stranger.name}")
            elif stranger.is_read_only or not shape.operation.writes:
                await own()
        async with cell(id=f"foreign {varied}"):
            await expect_indistinguishable(foreign, random, what)
        none = self.asking(question, "malformed", stranger, instance)
        async with cell(id=f"malformed {varied}"):
            if stranger.is_representative and not shape.operation.writes:
                at_home = self.asking(question, "malformed", owner, instance, at_home=True)
                await expect_indistinguishable(
                    none, at_home, f"{shape} with a malformed id", than="another organization"
                )
                await own()
            else:
                await none()

    async def ask_absent(
        self, question: Question, strangers: Mapping[str, Persona], instance: int
    ) -> None:
        """Fail unless, for each role with access, a foreign id is answered like a random id."""
        for persona in strangers.values():
            if not persona.refused:
                await expect_indistinguishable(
                    self.asking(question, "foreign", persona, instance),
                    self.asking(question, "absent", persona, instance),
                    f"{question}, sent by: {persona.name}",
                )

    def asking_own(self, question: Question, persona: Persona, instance: int) -> Asked:
        """Send own ids as a persona of the owner, and check the answer."""
        shape, request = question.shape, self.own_request(question)

        async def asked() -> tuple[PreparedRequest, Answer]:
            answer = await request.send(persona.client, instance)
            if persona.refused:
                expect_refused(answer, persona, f"{shape} with own ids")
            else:
                expect_own(answer, shape, persona)
            self.note(shape, "own", persona)
            return request, answer

        return asked

    def asking(
        self,
        question: Question,
        relation: Relation,
        persona: Persona,
        instance: int,
        *,
        at_home: bool = False,
    ) -> Asked:
        """Send ids of this relation as a stranger, or `at_home` as the owner; check the answer."""
        shape, varied = question.shape, question.varied

        async def asked() -> tuple[PreparedRequest, Answer]:
            request = self.request(question, relation, at_home=at_home)
            answer = await request.send(persona.client, instance)
            expect_no_leak(self.owner, request, answer, what=str(question))
            if relation == "malformed":
                expect_malformed(answer, shape, varied)
            elif persona.refused:
                expect_refused(answer, persona, f"{shape} with a {relation} id")
            else:
                expect_absent(answer, shape, varied, persona)
            self.note(shape, relation, persona)
            return request, answer

        return asked

    def note(self, shape: RequestShape, relation: str, persona: Persona) -> None:
        """Record that this cell was checked."""
        self.seen.add((shape.operation.id, relation, persona.name))
        self.cover(TABLE, operation=shape.operation.id, id=relation, token=persona.name)
