"""A scenario: one tenant follows the document's links from answers to new requests."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from contracts.conformance.breach import Breach, breach_of
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Link
from contracts.conformance.fuzzing.export_states import ASKED_AFTER_END, ExportStates
from contracts.conformance.fuzzing.links import Step, follow_link, with_key, with_parameters
from contracts.conformance.fuzzing.other_tenant import OtherTenant
from contracts.conformance.fuzzing.results import Results
from contracts.conformance.fuzzing.rules.response_rules import ResponseRules
from contracts.conformance.fuzzing.rules.scenario_rules import ScenarioState, success_violations
from contracts.conformance.fuzzing.sending import send
from harness.client import Answer, NoAnswer, Organization
from harness.errors import CheckFailed
from harness.findings.exchanges import Recent, remembering
from harness.untrusted.spelling import by_value

CANCEL_TRIES = 4
"""How often a scenario tries to cancel an export before a worker finishes it."""

OPERATION_TRIES = 5
"""How often an operation without a success is tried at the end."""

DUPLICATE = 0.5
"""How often an accepted export is requested again at once, while the first one is live."""


@dataclass(kw_only=True)
class Scenario:
    """One tenant's requests along links. The same seed makes the same choices."""

    name: str
    org: Organization
    rules: ResponseRules
    cases: Mapping[str, Sequence[Case]]
    """Valid generated cases by operationId."""
    rng: random.Random
    other_tenant: OtherTenant
    results: Results
    delete_below: Path | None = None
    """The directory of stored files: the first evidence file is deleted, so that exports fail."""
    steps: list[Step] = field(default_factory=list)
    skip_other_tenant: bool = False
    """Whether the next request must follow at once, without a repetition by the other tenant."""
    links: Counter[str] = field(default_factory=Counter)
    """How often each link was followed, as `operation status link`."""

    def __post_init__(self) -> None:
        self.state = ScenarioState(
            organization_id=self.org.id,
            exports=ExportStates(client=self.org.client),
            delete_below=self.delete_below,
        )

    async def run(self, length: int) -> None:
        """Create a job and an export, then follow links, the least followed ones first."""
        await self._create_exports()
        for operation in self.rules.document.operations.values():
            if not operation.path_ids and operation.method == "GET" and self.rng.random() < 0.4:
                await self._send(self._case_for(operation.id))
        for _ in range(length):
            if self.results.should_stop:
                return
            available = self._available()
            if not available:
                return
            least = min(self.links[_label(step, link)] for step, link in available)
            step, link = self.rng.choice(
                [each for each in available if self.links[_label(*each)] == least]
            )
            self.links[_label(step, link)] += 1
            await self._follow(step, link)

    async def try_operation(self, operation_id: str) -> None:
        """Send an operation that has not succeeded yet, until it does or the tries are used up.

        An operation with ids follows links of this scenario's answers, if there are any.
        """
        has_ids = bool(self.rules.document.operations[operation_id].path_ids)
        for _ in range(OPERATION_TRIES):
            if self.results.succeeded[operation_id] or self.results.should_stop:
                return
            if not has_ids:
                await self._send(self._case_for(operation_id))
                continue
            leading = [each for each in self._available() if each[1].target == operation_id]
            if not leading:
                return
            await self._follow(*self.rng.choice(leading))

    async def _create_exports(self) -> None:
        """Reach the rare states: an export that is canceled, or one that fails and is retried."""
        await self._send(self._case_for("createJob"))
        await self._upload()
        if self.state.deleted:
            await self._follow_to("requestExport", export_type="proof-pack")
            await self._follow_to("retryExport")
            return
        await self._follow_to("requestExport", export_type="proof-pack")
        for target in ("downloadExport", "getManifest", "verifyManifest"):
            await self._follow_to(target, source="requestExport")
        for _ in range(CANCEL_TRIES):
            await self._send(self._case_for("createJob"))
            self.skip_other_tenant = True
            await self._follow_to("requestExport", export_type=self.org.client.light_type)
            self.skip_other_tenant = False
            await self._follow_to("cancelExport")
            if self.steps and self.steps[-1].answer.status == 202:
                break

    async def _upload(self) -> None:
        """Upload evidence; after a refusal try the smallest generated uploads.

        A document may not state every rule of its backend about labels or times.
        """
        await self._follow_to("uploadEvidence")
        for case in sorted(self.cases["uploadEvidence"], key=lambda each: len(each.body or b"")):
            last = self.steps[-1] if self.steps else None
            if last is None or last.case.operation_id != "uploadEvidence":
                return
            if last.answer.status < 300 or self.results.should_stop:
                return
            await self._follow_to("uploadEvidence", source="createJob", case=case)

    async def _follow_to(
        self, target: str, *, source: str = "", case: Case | None = None, **values: str
    ) -> None:
        """Follow a link to this operation from the last answer, or the last one of `source`.

        `case` is sent instead of a random one.
        """
        of_source = (
            each for each in reversed(self.steps) if source in ("", each.case.operation_id)
        )
        last = next(of_source, None)
        for step, link in self._available():
            if step is last and link.target == target:
                self.links[_label(step, link)] += 1
                await self._follow(step, link, values, case)
                return

    def _available(self) -> list[tuple[Step, Link]]:
        """Every link of every answer so far whose target we have cases for."""
        document = self.rules.document
        return [
            (step, link)
            for step in self.steps
            for link in document.links_of(document.operations[step.case.operation_id])
            if link.status in {step.answer.status, step.answer.sent.status}
            and self.cases.get(link.target)
            if link.target != "getEvidenceContent" or not self._names_deleted(step)
        ]

    def _names_deleted(self, step: Step) -> bool:
        return bool(self.state.deleted) and self.state.deleted.encode() in step.answer.body

    async def _follow(
        self,
        step: Step,
        link: Link,
        values: Mapping[str, str] | None = None,
        case: Case | None = None,
    ) -> None:
        try:
            target = self.rules.document.operations[link.target]
            case = with_parameters(case or self._case_for(link.target), target, values or {})
            case = follow_link(link, step, case, target, self._key())
        except (LookupError, ValueError) as error:
            what = f"link {link.name} cannot be followed: {error!r}"
            breach = Breach(rule="document.links", about=link.name, what=what)
            self._add(step.case, step.answer, [breach])
            return
        sent = await self._send(case)
        accepted = sent is not None and sent.answer.status == 202
        again = link.target == "requestExport" and not values
        if accepted and again and self.rng.random() < DUPLICATE:
            await self._send(with_key(case, self._key()))

    def _case_for(self, operation_id: str) -> Case:
        return with_key(self.rng.choice(self.cases[operation_id]), self._key())

    def _key(self) -> str:
        return f"{self.name}-{len(self.steps)}-{self.rng.getrandbits(32):x}"

    async def _send(self, case: Case) -> Step | None:
        """Send a case, check its answer, and repeat it as the other tenant."""
        operation = self.rules.document.operations[case.operation_id]
        case = case.filled(self._known_id)
        export_id = export_of(operation, case)
        state = None
        if export_id is not None and operation.id in ASKED_AFTER_END:
            state = await self.state.exports.wait_for_end(export_id)
        elif export_id is not None:
            state = self.state.exports.known.get(export_id)
        instance = (len(self.steps) + self.rng.getrandbits(8)) % self.org.client.instances
        if self.results.is_silent(operation.id):
            return None
        self.results.count(replace(case, phase="stateful"))
        with remembering() as recent:
            try:
                answer = await send(self.org.client, case, instance=instance)
            except NoAnswer as error:
                self.results.add_unanswered(self._named(case), error, recent)
                return None
            self.results.requests += 1
            step = Step(case=case, answer=answer)
            self.steps.append(step)
            violations = await self._violations(step, operation, export_id, state)
            self._add(case, answer, violations, recent)
        return step

    async def _violations(
        self, step: Step, operation: ApiOperation, export_id: str | None, state: str | None
    ) -> list[Breach]:
        """What is wrong with an answer, by itself and given the answers before it."""
        case, answer = step.case, step.answer
        # Every id in a scenario is its own tenant's: tell the rules so with slots.
        own = replace(case, target=_as_own(operation, case))
        violations = self.rules.violations(own, answer)
        if export_id is not None and not violations:
            violations = self.state.exports.violations(operation.id, export_id, answer, state)
        if answer.status >= 300:
            return violations
        self.results.succeeded[operation.id] += 1
        if violations:
            return violations
        try:
            violations = await success_violations(self.state, step, operation)
            if not violations and not self.skip_other_tenant:
                violations = await self.other_tenant.violations(case, answer)
        except CheckFailed as error:
            violations = [breach_of(error)]
        return violations

    def _known_id(self, _ownership: str, name: str, number: int) -> str:
        """An id of an earlier answer, for a slot that no link fills; else an unknown id."""
        wanted = "requestExport" if name == "export_id" else "uploadEvidence"
        known = [
            str(step.answer.data["id"])
            for step in self.steps
            if step.case.operation_id == wanted and step.answer.status < 300
        ]
        return known[number % len(known)] if known else str(UUID(int=number))

    def _add(
        self,
        case: Case,
        answer: Answer,
        violations: Sequence[Breach],
        recent: Recent | None = None,
    ) -> None:
        self.results.add(self._named(case), answer, violations, recent)

    def _named(self, case: Case) -> Case:
        """The case, described by the requests before it."""
        path = " → ".join(each.case.operation_id for each in self.steps[-6:])
        return replace(case, about=f"{self.name}: {path}")


def _label(step: Step, link: Link) -> str:
    return f"{step.case.operation_id} {link.status} {link.name}"


def export_of(operation: ApiOperation, case: Case) -> str | None:
    """The export that a request names in its path or body."""
    found = operation.pattern.fullmatch(case.target.partition("?")[0])
    if found and "export_id" in operation.path_ids:
        return found["export_id"]
    if operation.id == "verifyManifest":
        named = json.loads(case.body or b"{}", object_pairs_hook=by_value).get("export_id")
        return named if isinstance(named, str) else None
    return None


def _as_own(operation: ApiOperation, case: Case) -> str:
    path, mark, query = case.target.partition("?")
    found = operation.pattern.fullmatch(path)
    for name in operation.path_ids if found else ():
        assert found is not None
        path = path.replace(found[name], f"SLOT-own-{name}-0-END")
    return f"{path}{mark}{query}"
