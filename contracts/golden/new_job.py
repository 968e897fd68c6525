"""A new job, as every operation must show it, cell by cell."""

import json

from contracts.golden.fields import JOB
from contracts.golden.new_resources import (
    expect_same,
    look_at_headers,
    look_at_location,
    look_at_new,
)
from contracts.shared.resources.pages import Listing, expect_listed
from harness.client import Answer, Organization, Record
from harness.expect import expect, expect_equal, expect_status
from harness.findings.exchanges import recall
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells

TITLE = "Dachprüfung, north wing: 屋根 №1"
REQUEST_ID = "golden-job"


async def make_and_look_at_job(org: Organization, cells: Cells) -> Record:
    """Make a job, judge what every operation shows of it, and give it.

    Ends the check where no job can be made.
    """
    sent = {"x-request-id": REQUEST_ID}
    body = json.dumps({"title": TITLE}).encode()
    with precondition("job.created"):
        answer = await org.client.call(
            "createJob", content=body, headers=sent | {"content-type": "application/json"}
        )
        expect_status(answer, 201)
        expect(answer.data["id"], expected="the ID of a new job", got=answer.describe())
    await look_at_headers(cells, answer, request_id=REQUEST_ID)
    await look_at_new(cells, answer, JOB, {"title": TITLE, "organization_id": org.id})
    await look_at_location(cells, org.client, answer)
    await _look_at_get_job(org, cells, answer)
    async with cells.of(operation="listJobs"):
        await expect_job_listed(org, answer.data)
    return answer.data


async def _look_at_get_job(org: Organization, cells: Cells, made: Answer) -> None:
    answers: list[Answer] = []
    async with cells.of(operation="getJob"):
        path, headers = {"job_id": made.data["id"]}, {"x-request-id": REQUEST_ID}
        read = await org.client.call("getJob", path=path, headers=headers)
        answers.append(expect_status(read, 200, detail="a job that was just made"))
    for read in answers:
        async with cells.of(operation="getJob", what="data"):
            recall(read.exchange)
            expect_same(read.data, made.data, "getJob")
        await look_at_headers(cells, read, request_id=REQUEST_ID)


async def expect_job_listed(org: Organization, job: Record) -> None:
    """Fail unless the list of jobs has the new one once, and none that others made."""
    if org.is_fresh:
        listing = Listing(operation_id="listJobs")
        items = await expect_listed(org.client, listing, [job["id"]], limit=None)
    else:
        items = [each for each in await org.client.listed("listJobs") if each["id"] == job["id"]]
    what = "new job in the list of jobs"
    expect_equal(items, [job], what, rule="lists.whole", subject="listJobs")
