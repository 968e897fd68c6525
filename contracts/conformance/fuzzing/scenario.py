"""A walk over the API: from answer to request along the document's links, as one tenant."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Document, Link
from contracts.conformance.fuzzing.export_states import ASKED_AFTER_END, ExportStates
from contracts.conformance.fuzzing.links import Step, follow_link, with_key, with_parameters
from contracts.conformance.fuzzing.other_tenant import OtherTenant
from contracts.conformance.fuzzing.rules import ResponseRules
from contracts.conformance.fuzzing.scenario_rules import ScenarioState, success_violations
from contracts.conformance.fuzzing.sending import Finding, Results, send
from harness.client import Answer, NoAnswer, Organization
from harness.errors import CheckFailed

CANCEL_TRIES = 4
"""How often a walk tries to cancel an export before a worker is done with it."""

REACH_TRIES = 5
"""How often an operation that no walk came by is asked for in the end."""

TWICE = 0.5
"""How often an export that was just accepted is requested again at once: then one is live."""


@dataclass(kw_only=True)
class Scenario:
    """One tenant's way through the API. The same seed takes the same way."""

    name: str
    org: Organization
    rules: ResponseRules
    cases: Mapping[str, Sequence[Case]]
    """Drawn cases by operationId, all of them allowed."""
    chance: random.Random
    other_tenant: OtherTenant
    results: Results
    spoil_below: Path | None = None
    """Where the objects are: this walk removes that of its first evidence, so exports fail."""
    steps: list[Step] = field(default_factory=list)
    hurried: bool = False
    """Whether the next request must come at once, without a stranger trying this one before."""
    links: Counter[str] = field(default_factory=Counter)
    """How often each link was taken, as `operation status link`."""

    def __post_init__(self) -> None:
        self.state = ScenarioState(
            organization_id=self.org.id,
            exports=ExportStates(client=self.org.client),
            spoil_below=self.spoil_below,
        )

    @property
    def document(self) -> Document:
        """The document whose links are followed."""
        return self.rules.document

    async def go(self, length: int) -> None:
        """Begin with a job and its export, then take links, those first that were taken least."""
        await self._open()
        for operation in self.document.operations.values():
            if not operation.path_ids and operation.method == "GET" and self.chance.random() < 0.4:
                await self._send(self._drawn(operation.id))
        for _ in range(length):
            if self.results.should_stop:
                return
            offered = self._offered()
            if not offered:
                return
            least = min(self.links[_label(step, link)] for step, link in offered)
            step, link = self.chance.choice(
                [each for each in offered if self.links[_label(*each)] == least]
            )
            self.links[_label(step, link)] += 1
            await self._take(step, link)

    async def reach(self, operation_id: str) -> None:
        """Ask for an operation that no walk has come by, until it succeeds or has had its tries.

        What is about a thing is asked of things that answers of this walk name, if there are any.
        """
        is_about_a_thing = bool(self.document.operations[operation_id].path_ids)
        for _ in range(REACH_TRIES):
            if self.results.succeeded[operation_id] or self.results.should_stop:
                return
            if not is_about_a_thing:
                await self._send(self._drawn(operation_id))
                continue
            leading = [each for each in self._offered() if each[1].target == operation_id]
            if not leading:
                return
            await self._take(*self.chance.choice(leading))

    async def _open(self) -> None:
        """What has to be met: an export that is canceled, or one that fails and is retried."""
        await self._send(self._drawn("createJob"))
        await self._upload()
        if self.state.spoiled:
            await self._take_named("requestExport", export_type="proof-pack")
            await self._take_named("retryExport")
            return
        await self._take_named("requestExport", export_type="proof-pack")
        for target in ("downloadExport", "getManifest", "verifyManifest"):
            await self._take_named(target, source="requestExport")
        for _ in range(CANCEL_TRIES):
            await self._send(self._drawn("createJob"))
            self.hurried = True
            await self._take_named("requestExport", export_type="ledger")
            self.hurried = False
            await self._take_named("cancelExport")
            if self.steps and self.steps[-1].answer.status == 202:
                break

    async def _upload(self) -> None:
        """Have evidence, by the drawn upload with the least in it where others are refused.

        A document need not say all that its backend asks of a label or of a time.
        """
        await self._take_named("uploadEvidence")
        for case in sorted(self.cases["uploadEvidence"], key=lambda each: len(each.body or b"")):
            last = self.steps[-1] if self.steps else None
            was_refused = last and last.case.operation_id == "uploadEvidence"
            if (
                last is None
                or not was_refused
                or last.answer.status < 300
                or self.results.should_stop
            ):
                return
            await self._take_named("uploadEvidence", source="createJob", case=case)

    async def _take_named(
        self, target: str, *, source: str = "", case: Case | None = None, **values: str
    ) -> None:
        """Take a link to this operation from the last answer, or from the last one of `source`.

        A `case` is sent instead of one by chance.
        """
        known = (each for each in reversed(self.steps) if source in ("", each.case.operation_id))
        last = next(known, None)
        for step, link in self._offered():
            if step is last and link.target == target:
                self.links[_label(step, link)] += 1
                await self._take(step, link, values, case)
                return

    def _offered(self) -> list[tuple[Step, Link]]:
        """Every link from every answer so far that leads somewhere we have cases for."""
        return [
            (step, link)
            for step in self.steps
            for link in self.document.links_of(self.document.operations[step.case.operation_id])
            if link.status == step.answer.status and self.cases.get(link.target)
            if link.target != "getEvidenceContent" or not self._names_spoiled(step)
        ]

    def _names_spoiled(self, step: Step) -> bool:
        return bool(self.state.spoiled) and self.state.spoiled.encode() in step.answer.body

    async def _take(
        self,
        step: Step,
        link: Link,
        values: Mapping[str, str] | None = None,
        case: Case | None = None,
    ) -> None:
        try:
            target = self.document.operations[link.target]
            case = with_parameters(case or self._drawn(link.target), target, values or {})
            case = follow_link(link, step, case, target, self._key())
        except (LookupError, ValueError) as error:
            answer = step.answer
            self._note(step.case, answer, [f"its link {link.name} leads nowhere: {error!r}"])
            return
        answered = await self._send(case)
        accepted = answered is not None and answered.answer.status == 202
        again = link.target == "requestExport" and not values
        if accepted and again and self.chance.random() < TWICE:
            await self._send(with_key(case, self._key()))

    def _drawn(self, operation_id: str) -> Case:
        return with_key(self.chance.choice(self.cases[operation_id]), self._key())

    def _key(self) -> str:
        return f"{self.name}-{len(self.steps)}-{self.chance.getrandbits(32):x}"

    async def _send(self, case: Case) -> Step | None:
        """Send a case, judge its answer, and look whether a stranger could have had it."""
        operation = self.document.operations[case.operation_id]
        case = case.filled(self._seen)
        export_id = export_of(operation, case)
        state = None
        if export_id is not None and operation.id in ASKED_AFTER_END:
            state = await self.state.exports.wait_for_end(export_id)
        elif export_id is not None:
            state = self.state.exports.known.get(export_id)
        instance = (len(self.steps) + self.chance.getrandbits(8)) % self.org.client.instances
        self.results.cases += 1
        self.results.phases["stateful"] += 1
        try:
            answer = await send(self.org.client, case, instance=instance)
        except NoAnswer as error:
            self._note(case, None, [f"it got no answer: {error.got}"])
            return None
        self.results.requests += 1
        step = Step(case=case, answer=answer)
        self.steps.append(step)
        # Whatever a walk names is there and its own: the rules may take the slots as read.
        own = replace(case, target=_as_own(operation, case))
        violations = self.rules.violations(own, answer)
        if export_id is not None and not violations:
            violations = self.state.exports.violations(
                operation.id, export_id, answer.status, state
            )
        if not violations and answer.status < 300:
            self.results.succeeded[operation.id] += 1
            try:
                violations = await success_violations(self.state, step, operation)
                if not violations and not self.hurried:
                    violations = await self.other_tenant.violations(case, answer)
            except CheckFailed as error:
                violations = [f"expected {error.expected}, got {error.got}"]
        if violations:
            self._note(case, answer, violations)
        return step

    def _seen(self, _ownership: str, name: str, number: int) -> str:
        """An id that the walk has met, for what no link names; before that, the id of nothing."""
        wanted = "requestExport" if name == "export_id" else "uploadEvidence"
        met = [
            str(step.answer.data["id"])
            for step in self.steps
            if step.case.operation_id == wanted and step.answer.status < 300
        ]
        return met[number % len(met)] if met else str(UUID(int=number))

    def _note(self, case: Case, answer: Answer | None, violations: list[str]) -> None:
        way = " → ".join(each.case.operation_id for each in self.steps[-6:])
        base_url = self.org.client.transport.base_urls[0]
        self.results.findings.append(
            Finding(
                case=replace(case, about=f"{self.name}: {way}"),
                answer=answer,
                violations=tuple(violations),
                base_url=base_url,
            )
        )


def _label(step: Step, link: Link) -> str:
    return f"{step.case.operation_id} {link.status} {link.name}"


def export_of(operation: ApiOperation, case: Case) -> str | None:
    """The export that a request is about, named in its path or in its body."""
    found = operation.pattern.fullmatch(case.target.partition("?")[0])
    if found and "export_id" in operation.path_ids:
        return found["export_id"]
    if operation.id == "verifyManifest":
        named = json.loads(case.body or b"{}").get("export_id")
        return named if isinstance(named, str) else None
    return None


def _as_own(operation: ApiOperation, case: Case) -> str:
    path, mark, query = case.target.partition("?")
    found = operation.pattern.fullmatch(path)
    for name in operation.path_ids if found else ():
        assert found is not None
        path = path.replace(found[name], f"SLOT-own-{name}-0-END")
    return f"{path}{mark}{query}"
