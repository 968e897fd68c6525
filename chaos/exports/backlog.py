"""Exports that wait to be claimed, of as many organizations as are needed."""

from collections.abc import Mapping

from harness.client import Organization, Organizations, Samples, together

EXPORTS_EACH = 3
"""Exports of one organization: no more than it may have in progress, so that all can be claimed."""


class Backlog:
    """Requests exports, and remembers who owns which."""

    def __init__(
        self, organizations: Organizations, samples: Samples, *, evidence_bytes: int | None = None
    ) -> None:
        self._organizations = organizations
        self._samples = samples
        self._evidence_bytes = evidence_bytes
        self._prepared: list[tuple[Organization, str, str]] = []
        self._owners: dict[str, Organization] = {}

    @property
    def owners(self) -> Mapping[str, Organization]:
        """The organization of every export that was accepted, by the export's id."""
        return self._owners

    async def prepare(self, organizations: int) -> None:
        """Make so many new organizations with all that exports need, but request none yet."""
        made = [await self._organizations.new() for _ in range(organizations)]
        self._prepared += await together(map(self._jobs_of, made), at_once=4)

    async def request(self) -> None:
        """Request `EXPORTS_EACH` exports for each organization that was prepared."""
        prepared, self._prepared = self._prepared, []
        await together((self._request(*each) for each in prepared), at_once=4)

    async def grow(self, organizations: int) -> None:
        """Prepare so many new organizations and request their exports."""
        await self.prepare(organizations)
        await self.request()

    async def _jobs_of(self, organization: Organization) -> tuple[Organization, str, str]:
        job, other = await organization.new_job(), await organization.new_job()
        if self._evidence_bytes is None:
            await organization.client.new_evidence(job["id"], self._samples.new())
        else:
            for each in (job, other):
                sample = self._samples.of_size(self._evidence_bytes)
                await organization.client.new_evidence(each["id"], sample)
        return organization, job["id"], other["id"]

    async def _request(self, organization: Organization, job_id: str, other_id: str) -> None:
        wanted = [(job_id, "proof-pack"), (job_id, "ledger"), (other_id, "proof-pack")]
        if self._evidence_bytes is not None:
            wanted.remove((job_id, "ledger"))  # it holds no evidence, and is finished too soon
        for each, export_type in wanted[:EXPORTS_EACH]:
            export = await organization.client.new_export(each, export_type)
            self._owners[export["id"]] = organization
