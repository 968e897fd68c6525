"""Checks that do at once what the built-in ones do later: lists, waits, downloads, raw sockets."""

import asyncio

from contracts.shared.exports.archive import unpack
from harness.check import check
from harness.client import Organization, Organizations
from harness.client.http.raw import chunk, connected
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations

LINE = "The harness survives its backend"


@check("hostile.list", "A list is read", checklist=LINE, observes=1)
async def check_list(org: Organization, observe: Observations) -> None:
    await org.client.listed("listJobs")
    observe()


@check("hostile.wait", "An export is waited for", checklist=LINE, observes=1)
async def check_wait(org: Organization, observe: Observations) -> None:
    await org.client.wait_for_export("e", deadline_s=1)
    observe()


@check("hostile.follow", "A Location is followed", checklist=LINE, observes=1)
async def check_follow(org: Organization, observe: Observations) -> None:
    created = await org.client.call("createJob", json={"title": "x"})
    expect_status(await org.client.follow(created), 200)
    observe()


@check("hostile.job", "A job is made", checklist=LINE, observes=1)
async def check_job(org: Organization, observe: Observations) -> None:
    job = await org.new_job()
    expect(job["id"], expected="a job with an id", got=repr(job))
    observe()


@check("hostile.id", "An id is used", checklist=LINE, observes=1)
async def check_id(org: Organization, observe: Observations) -> None:
    job = await org.new_job()
    expect_status(await org.client.call("getJob", path={"job_id": job["id"]}), 200)
    observe()


@check("hostile.zip", "A download is unpacked", checklist=LINE, observes=1)
async def check_zip(org: Organization, observe: Observations) -> None:
    unpack(await org.client.download("e"))
    observe()


@check("hostile.many-files", "Many downloads are held at once", checklist=LINE, observes=1)
async def check_many_files(org: Organization, observe: Observations) -> None:
    held = await asyncio.gather(*(org.client.download("e") for _ in range(12)))
    observe(len(held))


@check("hostile.cookies", "Organizations share no cookie", checklist=LINE, observes=4)
async def check_cookies(organizations: Organizations, observe: Observations) -> None:
    for org in await organizations.several(4):
        await org.new_job()
        observe()


@check("hostile.answers", "Each request gets its own answer", checklist=LINE, observes=5)
async def check_answers(org: Organization, observe: Observations) -> None:
    for number in range(5):
        answer = await org.client.call("getJob", path={"job_id": f"job-{number}"})
        expect_equal(answer.data["id"], f"/api/jobs/job-{number}", "what was answered")
        observe()


@check("hostile.raw", "An answer is read from a bare socket", checklist=LINE, observes=1)
async def check_raw(org: Organization, observe: Observations) -> None:
    base_url = org.client.transport.base_urls[0]
    async with connected(
        base_url, method="POST", path="/api/jobs", headers={}, operation_id="createJob"
    ) as connection:
        await connection.send(chunk(b"{}"), deadline_s=2)
        expect_status(await connection.answer(deadline_s=2), 201)
    observe()
