"""Exports that wait to be claimed, of as many organizations as are needed."""

from dataclasses import dataclass, field

from harness.client import Organization, Organizations, Record, Samples, together
from harness.history import EntryType, HistoryWriter
from harness.vocabulary.exports import PROOF_PACK

EXPORTS_EACH = 3
"""Exports of one organization: no more than it may have in progress, so that all can be claimed."""


@dataclass(kw_only=True)
class Backlog:
    """Requests exports, and remembers who owns which."""

    organizations: Organizations
    samples: Samples
    evidence_bytes: int | None = None
    """The size of the evidence of each export; None: small."""
    history: HistoryWriter | None = None
    """Where it writes which exports were accepted."""
    owners: dict[str, Organization] = field(default_factory=dict)
    """The organization of every export that was accepted, by the export's id."""
    _prepared: list[tuple[Organization, str, str]] = field(default_factory=list)

    async def prepare(self, organizations: int) -> None:
        """Make so many new organizations with all that exports need, but request none yet."""
        made = [await self.organizations.new() for _ in range(organizations)]
        self._prepared += await together(map(self._jobs_of, made), at_once=4)

    async def request(self, *, each: int = EXPORTS_EACH) -> None:
        """Request so many exports for each organization that was prepared."""
        prepared, self._prepared = self._prepared, []
        await together((self._request(*one, exports=each) for one in prepared), at_once=4)

    async def grow(self, organizations: int) -> None:
        """Prepare so many new organizations and request their exports."""
        await self.prepare(organizations)
        await self.request()

    async def crowd(self, exports: int) -> Organization:
        """Request so many proof packs for one new organization, each of a job of its own."""
        organization, jobs = await self.jobs_of_one(exports)
        for job_id in jobs:
            await self.request_one(organization, job_id)
        return organization

    async def jobs_of_one(self, count: int) -> tuple[Organization, list[str]]:
        """Make so many jobs of one new organization, with all that proof packs of them need."""
        organization = await self.organizations.new()
        jobs = [str((await organization.new_job())["id"]) for _ in range(count)]
        size = self.evidence_bytes
        for job_id in jobs:
            sample = self.samples.new() if size is None else self.samples.of_size(size)
            await organization.client.new_evidence(job_id, sample)
        return organization, jobs

    async def job_with_evidence(self) -> tuple[Organization, str, Record]:
        """Make one organization with a job of which an export can be requested at any moment."""
        organization = await self.organizations.new()
        job = await organization.new_job()
        evidence = await organization.client.new_evidence(job["id"], self.samples.new())
        return organization, job["id"], evidence

    async def request_one(
        self, organization: Organization, job_id: str, export_type: str = PROOF_PACK
    ) -> str:
        """Request an export of a job, and give its id."""
        self._note("invoke", organization)
        export = await organization.client.new_export(job_id, export_type)
        self._note("ok", organization, job=export["id"])
        self.owners[export["id"]] = organization
        return str(export["id"])

    async def _jobs_of(self, organization: Organization) -> tuple[Organization, str, str]:
        job, other = await organization.new_job(), await organization.new_job()
        if self.evidence_bytes is None:
            await organization.client.new_evidence(job["id"], self.samples.new())
        else:
            for each in (job, other):
                sample = self.samples.of_size(self.evidence_bytes)
                await organization.client.new_evidence(each["id"], sample)
        return organization, job["id"], other["id"]

    async def _request(
        self, organization: Organization, job_id: str, other_id: str, *, exports: int
    ) -> None:
        wanted = [(job_id, "proof-pack"), (job_id, "ledger"), (other_id, "proof-pack")]
        has_ledgers = "ledger" in organization.client.export_types
        if self.evidence_bytes is not None or not has_ledgers:
            wanted.remove((job_id, "ledger"))  # it holds no evidence, and is finished too soon
        for each, export_type in wanted[:exports]:
            await self.request_one(organization, each, export_type)

    def _note(self, kind: EntryType, owner: Organization, *, job: str | None = None) -> None:
        if self.history is not None:
            self.history.write(kind, "requestExport", process="backlog", org=owner.id, job=job)
