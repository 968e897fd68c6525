"""The cells of the matrix: each operation asked about own, foreign, absent and malformed ids."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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
    """A form with some of its ids to be varied, and the foreign values that they take."""

    shape: RequestShape
    varied: tuple[IdSlot, ...]
    foreign: Mapping[str, Any]

    def __str__(self) -> str:
        names = " and ".join(slot.name for slot in self.varied)
        return f"{self.shape} about a foreign {names}"


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Two organizations, of which the stranger asks about what the owner has."""

    owner: PopulatedTenant
    stranger: PopulatedTenant
    sample: Sample
    """What uploads of strangers bring."""
    cover: Coverage
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    """The cells that were looked at: operation, id and who asked."""

    def questions(self, shape: RequestShape) -> Iterator[Question]:
        """One foreign id among own ones, for each id that the form takes; then all of them."""
        subsets: list[tuple[IdSlot, ...]] = [(slot,) for slot in shape.slots]
        if len(shape.slots) > 1:
            subsets.append(shape.slots)
        for varied in subsets:
            for foreign in self.owner.own_id_choices(varied):
                yield Question(shape=shape, varied=varied, foreign=foreign)

    def request(self, question: Question, relation: Relation) -> PreparedRequest:
        """The stranger's request: with ids of this relation where they vary, else with its own."""
        values = {name: _VALUES[relation](value) for name, value in question.foreign.items()}
        own = self.stranger.own_ids(question.shape.slots)
        return question.shape.request(own | values, self.sample)

    def own_request(self, question: Question) -> PreparedRequest:
        """The owner's request about the very same things."""
        own = self.owner.own_ids(question.shape.slots)
        return question.shape.request(own | dict(question.foreign), self.sample)

    async def ask(
        self, question: Question, owner: Persona, stranger: Persona, instance: int
    ) -> None:
        """Ask as the same persona of both organizations, and judge every answer.

        The owner asks first and of the same instance, so that an answer kept for somebody else
        would be there to be given away, and once more at the end, whether it is still there.
        """
        shape, what = question.shape, f"{question}, asked by: {stranger.name}"
        own, foreign = (
            self.asking_own(question, owner, instance),
            self.asking(question, "foreign", stranger, instance),
        )
        random = self.asking(question, "absent", stranger, instance)
        if stranger.refused:
            await expect_indistinguishable(own, random, f"{shape}, asked by: {stranger.name}")
        elif stranger.is_read_only or not shape.operation.writes:
            await own()
        await expect_indistinguishable(foreign, random, what)
        none = self.asking(question, "malformed", stranger, instance)
        if stranger.is_representative and not shape.operation.writes:
            at_home = self.asking(question, "malformed", owner, instance)
            await expect_indistinguishable(
                none, at_home, f"{shape} with no id", than="another organization"
            )
            await own()
        else:
            await none()

    async def ask_absent(
        self, question: Question, strangers: Mapping[str, Persona], instance: int
    ) -> None:
        """Ask in each role that is let in, and judge that a foreign id is as absent as another."""
        for persona in strangers.values():
            if not persona.refused:
                await expect_indistinguishable(
                    self.asking(question, "foreign", persona, instance),
                    self.asking(question, "absent", persona, instance),
                    f"{question}, asked by: {persona.name}",
                )

    def asking_own(self, question: Question, persona: Persona, instance: int) -> Asked:
        """Ask about what belongs to the persona's own organization, and judge the answer."""
        shape, request = question.shape, self.own_request(question)

        async def asked() -> tuple[PreparedRequest, Answer]:
            answer = await request.send(persona.client, instance)
            if persona.refused:
                expect_refused(answer, persona, f"{shape} about what is its own")
            else:
                expect_own(answer, shape, persona)
            self.note(shape, "own", persona)
            return request, answer

        return asked

    def asking(
        self, question: Question, relation: Relation, persona: Persona, instance: int
    ) -> Asked:
        """Ask a stranger's question, and judge the answer."""
        shape, varied = question.shape, question.varied

        async def asked() -> tuple[PreparedRequest, Answer]:
            request = self.request(question, relation)
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
        """Tell that this cell was looked at."""
        self.seen.add((shape.operation.id, relation, persona.name))
        self.cover(TABLE, operation=shape.operation.id, id=relation, token=persona.name)
