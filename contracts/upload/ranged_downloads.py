"""Downloads of parts of one file, a cell for each Range."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from contracts.shared.resources.evidence import download_content, expect_content
from contracts.upload.byte_ranges import (
    INVALID,
    MULTIPLE,
    expect_part,
    expect_unsatisfiable,
    satisfiable,
    unsatisfiable,
)
from harness.client import Answer, Client, Sample
from harness.expect import expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Asks for parts of one uploaded file."""

    client: Client
    evidence_id: str
    sample: Sample
    cells: Cells

    async def look_at(self, observe: Observations) -> None:
        """Judge that every valid Range gets its part, and that no invalid one gets any."""
        whole, kind = self.sample.content, self.sample.mime_type
        cell = self._cell
        for asked in satisfiable(self.sample.size):
            async with cell(asked.header):
                expect_part(await self._download(asked.header), asked, whole, kind)
                observe(what="parts")
        for header in unsatisfiable(self.sample.size):
            async with cell(header):
                expect_unsatisfiable(await self._download(header), header, self.sample.size)
                observe(what="after the end")
        for header in INVALID:
            async with cell(header):
                answer = expect_status(
                    await self._download(header), 200, 400, 416, detail=f"Range: {header}"
                )
                if answer.status == 200:
                    expect_content(answer, whole, kind, what=f"Range: {header}, ignored")
                observe(what="invalid")
        async with cell(MULTIPLE):
            several = await self._download(MULTIPLE)
            expect_status(several, 200, 206, 416, detail=f"Range: {MULTIPLE}")
            if several.status == 200:
                expect_content(several, whole, kind, what=f"Range: {MULTIPLE}, answered whole")
            observe(what="several parts")
        for validator in ('"another representation"', "Sat, 01 Jan 2000 00:00:00 GMT"):
            async with self.cells.of(
                operation="getEvidenceContent", header="If-Range", case=validator
            ):
                await self._expect_on_condition(validator)
                observe(what="on condition")

    def _cell(self, header: str) -> AbstractAsyncContextManager[None]:
        return self.cells.of(operation="getEvidenceContent", header="Range", case=header)

    async def _download(self, byte_range: str) -> Answer:
        return await download_content(self.client, self.evidence_id, byte_range)

    async def _expect_on_condition(self, validator: str) -> None:
        """Fail unless a Range on the condition of an older file gets the whole, or its part."""
        first = next(satisfiable(self.sample.size))
        answer = await self.client.call(
            "getEvidenceContent",
            path={"evidence_id": self.evidence_id},
            headers={"range": first.header, "if-range": validator},
        )
        whole, kind = self.sample.content, self.sample.mime_type
        if answer.status == 206:
            expect_part(answer, first, whole, kind)
        else:
            expect_content(answer, whole, kind, what=f"If-Range: {validator}")
