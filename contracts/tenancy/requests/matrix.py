"""The cells of the matrix: each operation asked about own, foreign, absent and malformed ids."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from contracts.shared.tenants.operations import IdSlot
from contracts.shared.tenants.populated_tenant import PopulatedTenant, absent, malformed
from contracts.tenancy.requests.expectations import (
    expect_absent,
    expect_malformed,
    expect_own,
    expect_refused,
    expect_untold,
)
from contracts.tenancy.requests.forms import Form, Request
from contracts.tenancy.requests.likeness import Asked, expect_alike
from contracts.tenancy.requests.personas import Persona
from harness.client import Answer, Sample
from harness.plugin.coverage import Coverage

TABLE = "operations"

Relation = Literal["foreign", "absent", "malformed"]

_VALUES: Mapping[Relation, Callable[[Any], Any]] = {
    "foreign": lambda value: value,
    "absent": absent,
    "malformed": malformed,
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """A form with some of its ids to be varied, and the foreign values that they take."""

    form: Form
    varied: tuple[IdSlot, ...]
    foreign: Mapping[str, Any]

    def __str__(self) -> str:
        names = " and ".join(slot.name for slot in self.varied)
        return f"{self.form} about a foreign {names}"


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

    def questions(self, form: Form) -> Iterator[Question]:
        """One foreign id among own ones, for each id that the form takes; then all of them."""
        subsets: list[tuple[IdSlot, ...]] = [(slot,) for slot in form.slots]
        if len(form.slots) > 1:
            subsets.append(form.slots)
        for varied in subsets:
            for foreign in self.owner.own_id_choices(varied):
                yield Question(form=form, varied=varied, foreign=foreign)

    def request(self, question: Question, relation: Relation) -> Request:
        """The stranger's request: with ids of this relation where they vary, else with its own."""
        values = {name: _VALUES[relation](value) for name, value in question.foreign.items()}
        own = self.stranger.own_ids(question.form.slots)
        return question.form.request(own | values, self.sample)

    def own_request(self, question: Question) -> Request:
        """The owner's request about the very same things."""
        own = self.owner.own_ids(question.form.slots)
        return question.form.request(own | dict(question.foreign), self.sample)

    async def ask(
        self, question: Question, owner: Persona, stranger: Persona, instance: int
    ) -> None:
        """Ask as the same persona of both organizations, and judge every answer.

        The owner asks first and of the same instance, so that an answer kept for somebody else
        would be there to be given away, and once more at the end, whether it is still there.
        """
        form, what = question.form, f"{question}, asked by: {stranger.name}"
        own, foreign = (
            self.asking_own(question, owner, instance),
            self.asking(question, "foreign", stranger, instance),
        )
        random = self.asking(question, "absent", stranger, instance)
        if stranger.refused:
            await expect_alike(own, random, f"{form}, asked by: {stranger.name}")
        elif stranger.looks_only or not form.operation.writes:
            await own()
        await expect_alike(foreign, random, what)
        none = self.asking(question, "malformed", stranger, instance)
        if stranger.leads and not form.operation.writes:
            at_home = self.asking(question, "malformed", owner, instance)
            await expect_alike(none, at_home, f"{form} with no id", than="another organization")
            await own()
        else:
            await none()

    async def ask_absent(
        self, question: Question, strangers: Mapping[str, Persona], instance: int
    ) -> None:
        """Ask in each role that is let in, and judge that a foreign id is as absent as another."""
        for persona in strangers.values():
            if not persona.refused:
                await expect_alike(
                    self.asking(question, "foreign", persona, instance),
                    self.asking(question, "absent", persona, instance),
                    f"{question}, asked by: {persona.name}",
                )

    def asking_own(self, question: Question, persona: Persona, instance: int) -> Asked:
        """Ask about what belongs to the persona's own organization, and judge the answer."""
        form, request = question.form, self.own_request(question)

        async def asked() -> tuple[Request, Answer]:
            answer = await request.send(persona.client, instance)
            if persona.refused:
                expect_refused(answer, persona, f"{form} about what is its own")
            else:
                expect_own(answer, form, persona)
            self.note(form, "own", persona)
            return request, answer

        return asked

    def asking(
        self, question: Question, relation: Relation, persona: Persona, instance: int
    ) -> Asked:
        """Ask a stranger's question, and judge the answer."""
        form, varied = question.form, question.varied

        async def asked() -> tuple[Request, Answer]:
            request = self.request(question, relation)
            answer = await request.send(persona.client, instance)
            expect_untold(self.owner, request, answer, what=str(question))
            if relation == "malformed":
                expect_malformed(answer, form, varied)
            elif persona.refused:
                expect_refused(answer, persona, f"{form} with a {relation} id")
            else:
                expect_absent(answer, form, varied, persona)
            self.note(form, relation, persona)
            return request, answer

        return asked

    def note(self, form: Form, relation: str, persona: Persona) -> None:
        """Tell that this cell was looked at."""
        self.seen.add((form.operation.id, relation, persona.name))
        self.cover(TABLE, operation=form.operation.id, id=relation, token=persona.name)
