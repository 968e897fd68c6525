"""What every operation must show of one uploaded file, cell by cell."""

from dataclasses import dataclass
from functools import partial

from contracts.golden.fields import EVIDENCE
from contracts.golden.new_resources import (
    expect_same,
    look_at_headers,
    look_at_location,
    look_at_new,
)
from contracts.shared.resources.digests import expect_repr_digest, sha256_hex
from contracts.shared.resources.evidence import (
    DESCRIBED,
    FORM,
    content_headers,
    expect_bytes,
    expect_captured_at,
    expect_content_header,
    sealed_fields,
)
from harness.client import Answer, Organization, Record, Sample
from harness.expect import expect, expect_equal, expect_status
from harness.findings.exchanges import recall
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations

REQUEST_ID = "golden-upload"


@dataclass(frozen=True, kw_only=True)
class UploadedFile:
    """A file of one type, how its upload was answered, and the evidence's data."""

    sample: Sample
    answer: Answer
    evidence: Record


@dataclass(frozen=True, kw_only=True)
class Uploads:
    """Uploads files to one job, and looks at each in every operation that shows it."""

    org: Organization
    job: Record
    cells: Cells
    observe: Observations

    async def upload(self, sample: Sample) -> list[UploadedFile]:
        """Upload a file with its optional fields; give nothing where that was refused."""
        client = self.org.client
        made: list[UploadedFile] = []
        async with self.cells.of(operation="uploadEvidence", type=sample.mime_type):
            with precondition("upload.accepted"):
                answer = await client.upload(self.job["id"], sample, form=FORM)
                expect_status(answer, 201, detail=sample.mime_type)
                expect(answer.data["id"], expected="the ID of new evidence", got=answer.describe())
            made.append(UploadedFile(sample=sample, answer=answer, evidence=answer.data))
        return made

    async def look_at(self, file: UploadedFile) -> None:
        """Judge what every operation shows of it."""
        type_ = file.sample.mime_type
        await look_at_headers(self.cells, file.answer, type=type_)
        expected = sealed_fields(file.evidence["id"], file.sample, self.job, self.org)
        await look_at_new(self.cells, file.answer, EVIDENCE, expected, rule=DESCRIBED, type=type_)
        async with self.cells.of(
            operation="uploadEvidence", field="captured_at, as it was sent", type=type_
        ):
            recall(file.answer.exchange)
            expect_captured_at(file.evidence)
        await look_at_location(self.cells, self.org.client, file.answer, type=type_)
        await self._look_at_data(file)
        await self._look_at_content(file)

    async def _look_at_data(self, file: UploadedFile) -> None:
        type_ = file.sample.mime_type
        for shown in await self._ask("getEvidence", file):
            async with self.cells.of(operation="getEvidence", type=type_, what="data"):
                recall(shown.exchange)
                expect_same(shown.data, file.evidence, "getEvidence")
            await look_at_headers(self.cells, shown, request_id=REQUEST_ID, type=type_)

    async def _look_at_content(self, file: UploadedFile) -> None:
        type_, sample = file.sample.mime_type, file.sample
        cell = partial(self.cells.of, operation="getEvidenceContent", type=type_)
        for read in await self._ask("getEvidenceContent", file):
            async with cell(what="content"):
                recall(read.exchange)
                expect_bytes(read, sample.content, what=type_)
                self.observe()
            if read.body == sample.content:  # else its digest is another one, which is no news
                async with cell(header="Repr-Digest"):
                    recall(read.exchange)
                    if read.may_lack_digest:
                        expect_recorded_digest(read, file.evidence)
                    else:
                        read.needs_header("repr-digest")
                        expect_repr_digest(read)
            for header, expected in content_headers(type_).items():
                async with cell(header=header):
                    recall(read.exchange)
                    read.needs_header(header)
                    expect_content_header(read, header, expected)
            await look_at_headers(
                self.cells, read, request_id=REQUEST_ID, is_json=False, type=type_
            )

    async def _ask(self, operation_id: str, file: UploadedFile) -> list[Answer]:
        """Ask about an upload; give the answer unless it was a refusal."""
        answers: list[Answer] = []
        async with self.cells.of(operation=operation_id, type=file.sample.mime_type):
            path, headers = {"evidence_id": file.evidence["id"]}, {"x-request-id": REQUEST_ID}
            answer = await self.org.client.call(operation_id, path=path, headers=headers)
            answers.append(expect_status(answer, 200, detail="evidence that was just uploaded"))
        return answers


def expect_recorded_digest(read: Answer, evidence: Record) -> None:
    """Fail unless content that shows no digest itself has that of its record."""
    what = "SHA-256 of the content, as in file_sha256"
    expect_equal(
        sha256_hex(read.body),
        evidence["file_sha256"],
        what,
        rule="download.unchanged",
        subject=read.operation_id,
    )
