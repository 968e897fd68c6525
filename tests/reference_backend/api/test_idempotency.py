"""Idempotency-Key: one effect, one answer, whoever repeats it and whenever."""

import asyncio
import re
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reference_backend.api import idempotency
from tests.reference_backend.api import wire
from tests.reference_backend.api.conftest import PNG, Api, Member, problem_code, serve

REPLAYED = "x-idempotency-replayed"


def test_the_documented_form_of_a_key_is_the_one_that_is_taken() -> None:
    document = yaml.safe_load(Path("contracts/openapi.yaml").read_text())
    pattern = document["components"]["schemas"]["IdempotencyKey"]["pattern"]
    quoted = idempotency._QUOTED.pattern.replace("((?:", "(?:").replace("255})", "255}")
    assert pattern == f"^(?:{idempotency._BARE.pattern}|{quoted})$"
    for key in ("a", '"a"', "a b", '"a\\"b"', "x" * 255, '"' + "x" * 255 + '"', '" "'):
        assert re.search(pattern, key)
    for key in ("", '""', '"', 'a"' * 128, "x" * 256, "é", "a\tb"):
        assert not re.search(pattern, key)


@given(st.from_regex(r"\A[!#-~]([ -~]{0,20}[!-~])?\Z"))
def test_bare_and_quoted_are_the_same_key(key: str) -> None:
    quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    match = idempotency._QUOTED.fullmatch(quoted)
    assert match
    assert idempotency._ESCAPED.sub(r"\1", match[1]) == key
    assert idempotency._BARE.fullmatch(key)


def same(first: httpx.Response, second: httpx.Response) -> bool:
    return (
        second.status_code == first.status_code
        and second.content == first.content
        and second.headers["location"] == first.headers["location"]
        and second.headers.get(REPLAYED) == "true"
        and REPLAYED not in first.headers
    )


@pytest.mark.integration
async def test_a_replay_is_the_original_answer(api: Api, member: Member) -> None:
    first = await member.upload(key="k", tag="roof", captured_at="2031-05-07T09:30:00Z")
    before = api.objects()
    assert same(first, await member.upload(key="k", tag="roof", name="another-name.png"))
    assert same(first, await member.upload(key='"k"', tag="roof"))
    assert len(await member.ledger()) == 1
    assert api.objects() == before


@pytest.mark.integration
async def test_a_replay_of_a_duplicate(member: Member) -> None:
    await member.sealed()
    first = await member.upload(key="k")
    assert first.status_code == 200
    replay = await member.upload(key="k")
    assert same(first, replay)
    assert replay.headers["x-evidence-deduplicated"] == "true"


@pytest.mark.integration
@pytest.mark.parametrize("change", ["content", "tag", "phase", "no tag", "job"])
async def test_another_request_under_the_same_key(member: Member, change: str) -> None:
    form = {"tag": "roof", "phase": "before"}
    await member.sealed(PNG, key="k", **form)
    content, job_id = PNG, member.job_id
    if change == "content":
        content += b"x"
    elif change == "job":
        job = await member.http.post("/api/jobs", json={"title": "x"})
        job_id = job.json()["data"]["id"]
    elif change == "no tag":
        del form["tag"]
    else:
        form[change] = "other"
    response = await member.upload(content, key="k", job_id=job_id, **form)
    assert (response.status_code, problem_code(response)) == (422, "idempotency_key_reused")
    assert len(await member.ledger()) == 1


@pytest.mark.integration
async def test_a_key_belongs_to_its_organization_and_route(api: Api, member: Member) -> None:
    first = await member.sealed(key="k")
    other = await api.member()
    assert (await other.sealed(key="k"))["id"] != first["id"]
    response = await member.http.post(
        f"/api/jobs/{member.job_id}/export/ledger", headers={"Idempotency-Key": "k"}
    )
    assert response.status_code == 202
    colleague = Member(member.organization, member.organization.client("owner"), member.job_id)
    assert (await colleague.upload(key="k")).headers[REPLAYED] == "true"


@pytest.mark.integration
async def test_a_refusal_does_not_use_up_its_key(member: Member) -> None:
    assert (await member.upload(b"", key="k")).status_code == 400
    assert (await member.upload(b"text", key="k")).status_code == 422
    assert (await member.upload(key="k", job_id=str(uuid4()))).status_code == 404
    assert (await member.upload(key="k")).status_code == 201


@pytest.mark.integration
async def test_twenty_at_once_over_two_instances(api: Api, member: Member) -> None:
    async with serve(api.settings) as second:
        there = Member(member.organization, httpx.AsyncClient(
            base_url=second.base_url, headers=member.http.headers, trust_env=False, verify=False,  # noqa: S501
        ), member.job_id)  # fmt: skip
        member.organization.clients.append(there.http)
        responses = await asyncio.gather(
            *((member, there)[n % 2].upload(PNG + b"racing", key="k") for n in range(20))
        )
    assert {r.status_code for r in responses} <= {201, 409}
    done = [r for r in responses if r.status_code == 201]
    assert len({r.json()["data"]["id"] for r in done}) == 1
    assert sum(REPLAYED not in r.headers for r in done) == 1
    for response in responses:
        if response.status_code == 409:
            assert problem_code(response) == "idempotency_key_in_flight"
            assert response.headers["retry-after"] == "1"
            assert response.json()["retryable"] is True
    assert len(await member.ledger()) == 1
    assert len([path for path in api.objects() if member.job_id in path]) == 1


@pytest.mark.integration
async def test_a_key_is_in_flight_until_its_request_ends(api: Api, member: Member) -> None:
    body = wire.form(PNG)
    headers = {
        "Authorization": f"Bearer {member.organization.token()}",
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": str(len(body)),
        "Idempotency-Key": "k",
        "Expect": "100-continue",
    }
    head = wire.head("POST", f"/api/jobs/{member.job_id}/evidence/upload", headers)
    async with serve(api.settings) as second, wire.connected(api.base_url) as slow:
        await slow.send(head)
        await slow.asked_for_the_body()
        await slow.send(body[:50])
        assert problem_code(await member.upload(key="k")) == "idempotency_key_in_flight"
        async with wire.connected(second.base_url) as elsewhere:
            await elsewhere.send(head)
            answer = await elsewhere.answer()
        assert answer.status == 409
        assert answer.headers["retry-after"] == "1"
        await slow.send(body[50:])
        finished = await slow.answer()
    assert finished.status == 201
    assert (await member.upload(key="k")).headers[REPLAYED] == "true"


@pytest.mark.integration
async def test_a_key_is_free_again_when_its_client_is_gone(api: Api, member: Member) -> None:
    headers = {
        "Authorization": f"Bearer {member.organization.token()}",
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": "1000",
        "Idempotency-Key": "k",
        "Expect": "100-continue",
    }
    head = wire.head("POST", f"/api/jobs/{member.job_id}/evidence/upload", headers)
    async with wire.connected(api.base_url) as broken:
        await broken.send(head)
        await broken.asked_for_the_body()
        await broken.send(wire.form(PNG)[:50])
    async with asyncio.timeout(5):
        while (response := await member.upload(key="k")).status_code == 409:
            await asyncio.sleep(0.01)
    assert response.status_code == 201


@pytest.mark.integration
async def test_exports_take_a_key_too(member: Member) -> None:
    async def request(key: str, **body: object) -> httpx.Response:
        path = f"/api/jobs/{member.job_id}/export/proof-pack"
        return await member.http.post(path, json=body, headers={"Idempotency-Key": key})

    first = await request("k", filters={"a": 1})
    assert first.status_code == 202
    assert same(first, await request("k", filters={"a": 1}))
    assert problem_code(await request("k", filters={"a": 2})) == "idempotency_key_reused"
    assert problem_code(await request('"')) == "idempotency_key_invalid"
    live = await request("another")
    assert (live.status_code, live.headers["x-export-in-progress"]) == (200, "true")
    await member.http.post(f"/api/exports/{first.json()['data']['id']}/cancel")
    # The original answer, whatever has become of the export since.
    assert same(first, await request("k", filters={"a": 1}))


@pytest.mark.integration
async def test_twenty_requests_for_one_export(member: Member) -> None:
    path = f"/api/jobs/{member.job_id}/export/ledger"
    keyed = [member.http.post(path, headers={"Idempotency-Key": "k"}) for _ in range(10)]
    plain = [member.http.post(path) for _ in range(10)]
    responses = await asyncio.gather(*keyed, *plain)
    assert {r.status_code for r in responses} <= {200, 202}
    assert len({r.json()["data"]["id"] for r in responses}) == 1
    assert [event["event_name"] for event in await member.ledger()] == ["export.requested"]
