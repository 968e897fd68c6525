"""Exports waiting to be done, over as many organisations as it takes."""

from collections.abc import Mapping

from harness.client import Organisation, Organisations, Samples, together

EXPORTS_EACH = 3
"""Exports of one organisation: no more than it may have in progress, so that all can be claimed."""


class Backlog:
    """Requests exports, and remembers who owns which."""

    def __init__(
        self, organisations: Organisations, samples: Samples, *, evidence_bytes: int | None = None
    ) -> None:
        self._organisations = organisations
        self._samples = samples
        self._evidence_bytes = evidence_bytes
        self._prepared: list[tuple[Organisation, str, str]] = []
        self._owners: dict[str, Organisation] = {}

    @property
    def owners(self) -> Mapping[str, Organisation]:
        """The organisation of every export that was accepted, by the export's id."""
        return self._owners

    async def prepare(self, organisations: int) -> None:
        """Make so many new organisations with all that exports need, but request none yet."""
        made = [await self._organisations.new() for _ in range(organisations)]
        self._prepared += await together(map(self._jobs_of, made), at_once=4)

    async def request(self) -> None:
        """Request `EXPORTS_EACH` exports for each organisation that was prepared."""
        prepared, self._prepared = self._prepared, []
        await together((self._request(*each) for each in prepared), at_once=4)

    async def grow(self, organisations: int) -> None:
        """Prepare so many new organisations and request their exports."""
        await self.prepare(organisations)
        await self.request()

    async def _jobs_of(self, organisation: Organisation) -> tuple[Organisation, str, str]:
        job, other = await organisation.new_job(), await organisation.new_job()
        if self._evidence_bytes is None:
            await organisation.client.new_evidence(job["id"], self._samples.new())
        else:
            for each in (job, other):
                sample = self._samples.of_size(self._evidence_bytes)
                await organisation.client.new_evidence(each["id"], sample)
        return organisation, job["id"], other["id"]

    async def _request(self, organisation: Organisation, job_id: str, other_id: str) -> None:
        wanted = [(job_id, "proof-pack"), (job_id, "ledger"), (other_id, "proof-pack")]
        if self._evidence_bytes is not None:
            wanted.remove((job_id, "ledger"))  # it has no evidence in it, and is done soon
        for each, export_type in wanted[:EXPORTS_EACH]:
            export = await organisation.client.new_export(each, export_type)
            self._owners[export["id"]] = organisation
