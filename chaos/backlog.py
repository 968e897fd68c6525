"""Exports waiting to be done, over as many organisations as it takes."""

from collections.abc import Mapping

from harness.client import Organisation, Organisations, Samples, together

EXPORTS_EACH = 3
"""Exports of one organisation: no more than it may have in progress, so that all can be claimed."""


class Backlog:
    """Requests exports, and remembers who owns which."""

    def __init__(self, organisations: Organisations, samples: Samples) -> None:
        self._organisations = organisations
        self._samples = samples
        self._owners: dict[str, Organisation] = {}

    @property
    def owners(self) -> Mapping[str, Organisation]:
        """The organisation of every export that was accepted, by the export's id."""
        return self._owners

    async def grow(self, organisations: int) -> None:
        """Request `EXPORTS_EACH` exports for each of so many new organisations."""
        made = [await self._organisations.new() for _ in range(organisations)]
        await together(map(self._request, made), at_once=4)

    async def _request(self, organisation: Organisation) -> None:
        job, other = await organisation.new_job(), await organisation.new_job()
        await organisation.client.new_evidence(job["id"], self._samples.new())
        wanted = [(job["id"], "proof-pack"), (job["id"], "ledger"), (other["id"], "proof-pack")]
        for job_id, export_type in wanted[:EXPORTS_EACH]:
            export = await organisation.client.new_export(job_id, export_type)
            self._owners[export["id"]] = organisation
