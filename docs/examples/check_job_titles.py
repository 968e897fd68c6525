"""A job keeps the title that it was created with."""

from harness.check import check
from harness.client import Organization
from harness.expect import expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations

TITLES = ("Roof, north wing", "Dachprüfung", "屋根 №1")


@check("own.job-titles", "A job keeps its title", checklist="Verify our jobs", observes=len(TITLES))
async def check_job_titles(org: Organization, observe: Observations, cover: Coverage) -> None:
    """Create a job with each title, and read it again: the title must be the same."""
    for title in TITLES:
        job = await org.new_job(title)
        answer = await org.client.call("getJob", path={"job_id": job["id"]})
        expect_status(answer, 200)
        expect_equal(answer.data["title"], job["title"], "title of the job that was created")
        cover("titles", title=title)
        observe()
