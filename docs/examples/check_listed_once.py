"""Jobs are listed."""

from harness.check import check
from harness.client import Organization
from harness.expect import expect_equal
from harness.plugin.observations import Observations


@check("jobs.listed-once", "A job is listed once", checklist="Verify job creation", observes=1)
async def check_listed_once(org: Organization, observe: Observations) -> None:
    """A job that was created stands exactly once in its organization's list of jobs."""
    job = await org.new_job()
    listed = [one["id"] for one in await org.client.listed("listJobs")]
    expect_equal(listed.count(job["id"]), 1, f"number of times job {job['id']} is listed")
    observe()
