from uuid import UUID, uuid4

import pytest

from tests.reference_backend.api.conftest import Api, Member, problem_code

pytestmark = pytest.mark.integration

UNKNOWN = UUID("6d1c9d0e-8f6b-4f0e-9a51-0c1f5d0d7a11")


async def test_a_job_is_created_and_found(member: Member) -> None:
    response = await member.http.post("/api/jobs", json={"title": "Dach ☂ <b>"})
    job = response.json()["data"]
    assert response.headers["location"] == f"/api/jobs/{job['id']}"
    assert job["title"] == "Dach ☂ <b>"
    assert job["organization_id"] == member.organization.id
    assert job["created_by"] == f"user-of-{member.organization.id}"
    assert job["created_at"].endswith("Z")
    assert (await member.get(f"/api/jobs/{job['id']}"))["data"] == job
    assert (await member.get(f"/api/jobs/{job['id'].upper()}"))["data"] == job


async def test_pages_oldest_first_each_job_once(api: Api) -> None:
    member = await api.member()
    made = [member.job_id]
    for number in range(6):
        response = await member.http.post("/api/jobs", json={"title": str(number)})
        made.append(response.json()["data"]["id"])
    listed, cursor, pages = [], None, 0
    while True:
        params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = await member.get("/api/jobs", params=params)
        listed += [job["id"] for job in page["data"]]
        pages += 1
        if (cursor := page["next_cursor"]) is None:
            break
    assert (listed, pages) == (made, 3)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=", "cursor=x", "cursor="]
)
async def test_refused_pages(member: Member, query: str) -> None:
    for path in ("/api/jobs", f"/api/jobs/{member.job_id}/evidence", "/api/ledger/events"):
        response = await member.http.get(f"{path}?{query}")
        assert (response.status_code, problem_code(response)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "job_id", ["x", "%00", "1", "..%2fjobs", f"{{{UNKNOWN}}}", UNKNOWN.hex, "é"]
)
async def test_what_is_no_id_is_the_id_of_no_job(member: Member, job_id: str) -> None:
    absent = await member.http.get(f"/api/jobs/{uuid4()}")
    response = await member.http.get(f"/api/jobs/{job_id}")
    assert response.status_code == absent.status_code == 404
    assert problem_code(response) == "not_found"
