"""An export that no worker can ever finish, among others of its organization that it can."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.failed_export import failed_export
from chaos.exports.http_view import WORK_S
from chaos.exports.view import known_attempt
from chaos.faults.fault import Fault
from chaos.faults.kill_instances import kill_instances
from chaos.faults.spoil_object import spoil_object
from harness.checkers import ExportFact
from harness.checkers.recovery import DRAIN
from harness.client import Organization
from harness.errors import CheckFailed
from harness.expect import expect, expect_status
from harness.history import EntryType
from harness.system import Instance
from harness.vocabulary.exports import FAILED, QUEUED, READY
from harness.waiting import wait_until

EXHAUSTED = "attempts_exhausted"
"""The error of an export that was given up after its last attempt."""

_POLL_S = 0.03

MOST_PLACES = 8
"""Exports that fail beside this one: with their attempts, more failures than a worker has places.
"""

AtClaim = Callable[[int], Awaitable[None]]
"""What is done after a claim, given how many there were since the last grant."""


@dataclass(kw_only=True)
class Poison:
    """One export, its organization, and the only worker that lives."""

    drill: WorkerDrill
    organization: Organization
    export: str
    fault: Fault
    """Makes its evidence unreadable."""
    worker: Instance | None = None
    others: set[str] = field(default_factory=set)
    """Exports of the same organization."""
    attempts: int = 0
    """How many attempts at it there were before it was last granted some."""

    @classmethod
    async def of(cls, drill: WorkerDrill) -> "Poison":
        """Request an export, of a new organization, whose evidence the fault makes unreadable."""
        organization, job_id, evidence = await drill.backlog.job_with_evidence()
        fault = spoil_object(drill.own.system, evidence["storage_path"])
        export = await drill.backlog.request_one(organization, job_id)
        drill.notes[export] = "its evidence could not be read"
        return cls(drill=drill, organization=organization, export=export, fault=fault)

    @classmethod
    async def failed_early(cls, drill: WorkerDrill) -> "Poison | None":
        """Let an export fail before its attempts are used up: its evidence is away for a while.

        None where it did not fail: the backend tries again what may come back.
        """
        found = await failed_export(drill.own, drill.target, drill.backlog)
        if found is None or not found[2]:
            return None
        organization, export, _ = found
        shown = await organization.client.get_export(export)
        path = {"job_id": shown["job_id"]}
        (evidence,) = await organization.client.listed("listEvidence", path=path)
        poison = cls(
            drill=drill,
            organization=organization,
            export=export,
            fault=spoil_object(drill.own.system, evidence["storage_path"]),
        )
        poison.attempts = known_attempt((await poison._fact()).attempt)
        drill.notes[export] = "its evidence was away, and could not be read after its retry"
        return poison

    async def request_another(self) -> None:
        """Request an export of the same organization that can be done."""
        job = await self.organization.new_job()
        sample = self.drill.backlog.samples.new()
        await self.organization.client.new_evidence(job["id"], sample)
        self.others.add(await self.drill.backlog.request_one(self.organization, job["id"]))

    async def start_worker(self) -> None:
        """Start the only worker."""
        self.worker = await self.drill.own.system.start("worker")

    async def drain_worker(self, claims: int) -> None:
        """After the first claim: let the others end, stop the worker, and start the next one."""
        if claims != 1:
            return
        await self.expect_others_done()
        assert self.worker is not None
        assert self.drill.target.worker is not None
        self._note("invoke")
        await self.drill.own.system.stop(self.worker, self.drill.target.worker.grace_s)
        self._note("ok")
        await self.start_worker()

    def _note(self, kind: EntryType) -> None:
        """Write into the history that the worker gets SIGTERM, or has ended."""
        assert self.worker is not None
        self.drill.history.write(kind, DRAIN, process=self.drill.process, worker=self.worker.name)

    async def kill_worker(self, claims: int) -> None:
        """Let the others end, kill the worker, and start the next one; once, request another."""
        await self.expect_others_done()
        assert self.worker is not None
        system, outside = self.drill.own.system, self.drill.outside
        async with self.drill.injected(
            kill_instances(system, [self.worker], replacements=0, outside=outside)
        ):
            pass
        if claims == 1:
            await self.request_another()
        await self.start_worker()

    async def expect_others_done(self, *, is_over: bool = False) -> None:
        """Expect that the organization's other exports become ready.

        None of them is still in the queue when all attempts at this one are over, unless it
        `is_over` already.
        """

        async def are_done() -> bool:
            facts = (await self.drill.view.observed()).exports
            states = {each.id: each.state for each in facts}
            left = [states[each] for each in self.others if states[each] != READY]
            if not is_over and states[self.export] == FAILED and QUEUED in left:
                raise blocked(f"{left.count(QUEUED)} still queued when all its attempts were over")
            return not left

        def blocked(waited: str) -> CheckFailed:
            self.drill.judged.update(self.others)
            return CheckFailed(
                expected=f"other exports of organization {self.organization.id} to become ready "
                f"while export {self.export} fails again and again, or has failed",
                got=waited,
                rule="poison.blocks-none",
            )

        within_s = self.drill.target.pace.wait_s(WORK_S, len(self.others))
        what = f"{len(self.others)} other exports to be ready"
        await wait_until(are_done, within_s, what, poll_s=_POLL_S, error=blocked)

    async def expect_more_done(self) -> None:
        """Expect that the worker, whose work has failed again and again, does what is new."""
        await self.request_another()
        await self.expect_others_done(is_over=True)

    async def expect_given_up(self, at_claim: AtClaim, *, drained: int = 0) -> None:
        """Expect that it fails after all attempts that it was granted, with an error.

        `drained`: at most so many more, which a drain has ended.
        """
        granted = self.drill.target.limits.max_attempts
        claims, most = 0, granted + drained
        while True:
            fact = await self._after(claims)
            claims = known_attempt(fact.attempt) - self.attempts
            expect(
                claims <= most,
                expected=f"export {self.export}, whose work always fails, to be tried {granted} "
                f"times ({drained} more that a drain ended)",
                got=f"{claims} claims",
                rule="poison.attempts",
            )
            if fact.state == FAILED:
                break
            await at_claim(claims)
        expect(
            claims >= granted or fact.error_code != EXHAUSTED,
            expected=f"export {self.export} to be tried {granted} times before its attempts are "
            "used up",
            got=f"{fact.error_code} after {claims}",
            rule="poison.attempts",
        )
        self.attempts += claims
        self.drill.observe(claims, what="attempts at an export that always fails")
        expect(
            bool((await self.organization.client.get_export(self.export))["error_code"]),
            expected=f"failed export {self.export} to have an error_code",
            got="none",
            rule="poison.says-why",
        )

    async def retry(self) -> None:
        """Let its owner ask for more attempts."""
        path = {"export_id": self.export}
        expect_status(await self.organization.client.call("retryExport", path=path), 202)
        self.attempts = min(self.attempts, known_attempt((await self._fact()).attempt))

    async def _after(self, claims: int) -> ExportFact:
        """Wait until there was another claim, or it has failed."""
        found: ExportFact | None = None

        async def has_changed() -> bool:
            nonlocal found
            found = await self._fact()
            return found.state == FAILED or known_attempt(found.attempt) - self.attempts > claims

        def left(waited: str) -> CheckFailed:
            return CheckFailed(
                expected=f"export {self.export} to be tried again, or given up",
                got=f"{waited}: {found.describe() if found else 'it was never seen'}",
                rule="recovery.in-time",
            )

        times = self.drill.times
        within_s = times.stuck_timeout_s + times.sweep_interval_s + times.slack_s
        within_s += self.drill.target.pace.wait_s(WORK_S)
        what = f"another attempt after {claims}, or its failure"
        await wait_until(has_changed, within_s, what, poll_s=_POLL_S, error=left)
        assert found is not None
        return found

    async def _fact(self) -> ExportFact:
        facts = (await self.drill.view.observed()).exports
        return next(each for each in facts if each.id == self.export)
