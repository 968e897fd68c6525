"""Ready or not, and what is answered while the database or the storage is gone."""

import asyncio
import shutil
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.postgres.database_server import create_database
from harness.recovery.healing import end_run
from reference_backend import migrate
from tests.reference_backend.api.conftest import PNG, Api, problem_code, serve
from tests.reference_backend.conftest import OWNER, Backend, settings_for

pytestmark = pytest.mark.integration

AMBIGUOUS = """
CREATE OR REPLACE FUNCTION claim_export_job(
    p_worker text, p_limit int DEFAULT 1, p_max_per_org int DEFAULT 3)
RETURNS SETOF exports LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM exports WHERE state = 'queued') THEN
        RAISE EXCEPTION 'column reference "id" is ambiguous' USING ERRCODE = '42702';
    END IF;
END $$
"""


async def test_live_and_ready(own_api: Api, backend: Backend) -> None:
    http = own_api.organization().client()
    assert (await http.get("/livez")).json() == {"data": {"status": "live"}}
    for path in ("/readyz", "/health"):
        assert (await http.get(path)).json() == {"data": {"status": "ready"}}
    left = await backend.control(
        "SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM exports) AS n"
    )
    assert left == [{"n": 0}]


async def test_a_probe_leaves_waiting_exports_alone(own_api: Api, backend: Backend) -> None:
    member = await own_api.member()
    export = await member.request()
    await asyncio.gather(*(member.get("/readyz") for _ in range(8)))
    shown = (await member.get(f"/api/exports/{export['id']}"))["data"]
    assert (shown["state"], shown["attempt"], shown["queue_position"]) == ("queued", 0, 1)


@pytest.mark.parametrize("broken", ["DROP FUNCTION claim_export_job(text, int, int)", AMBIGUOUS])
async def test_not_ready_without_a_claim_function_that_works(
    own_api: Api, backend: Backend, broken: str
) -> None:
    await backend.control(broken)
    http = own_api.organization().client()
    for path in ("/readyz", "/health"):
        response = await http.get(path)
        assert (response.status_code, problem_code(response)) == (503, "claim_unavailable")
        assert response.headers["retry-after"] == "1"
    assert (await http.get("/livez")).status_code == 200


async def test_metrics(own_api: Api) -> None:
    member = await own_api.member()
    await member.request()
    text = (await member.http.get("/metrics")).text
    for line in (
        'export_jobs{state="queued"} 1.0',
        'export_jobs{state="ready"} 0.0',
        "export_stuck_jobs 0.0",
        "export_duplicate_completions_total 0.0",
        "export_claim_fallback_total 0.0",
        "export_reclaims_total 0.0",
        "ledger_hash_mismatch_total 0.0",
        'evidence_upload_failures_total{reason="quota"} ',
        'http_request_seconds_count{operation="requestExport"} ',
    ):
        assert f"\n{line}" in text, line
    assert "\nexport_oldest_queued_seconds " in text


@pytest_asyncio.fixture(scope="module")
async def mortal_cluster():  # type: ignore[no-untyped-def]  # noqa: ANN201
    """A cluster of its own, to be stopped."""
    journal = Journal.begin()
    try:
        cluster = await Cluster.start(journal)
        try:
            yield cluster
        finally:
            await cluster.stop()
    finally:
        end_run(journal)


async def test_a_database_that_goes_away_and_comes_back(
    mortal_cluster: Cluster, tmp_path: object
) -> None:
    await create_database(mortal_cluster.url("postgres"), "mortal")
    settings = settings_for(
        mortal_cluster.url("mortal", OWNER),
        storage_dir=tmp_path,
        db_pool_size=4,
    )
    await migrate.migrate(settings)
    async with serve(settings) as api:
        member = await api.member()
        evidence = await member.sealed()
        before = api.objects()
        mortal_cluster.kill()
        job, export = f"/api/jobs/{member.job_id}", f"/api/exports/{uuid4()}"
        answers = await asyncio.gather(
            member.http.get("/readyz"),
            member.http.get(job),
            member.http.post("/api/jobs", json={"title": "x"}),
            member.upload(PNG + b"lost"),
            member.http.get(f"/api/evidence/{evidence['id']}/content"),
            member.http.post(f"{job}/export/ledger"),
            member.http.post(f"{export}/cancel"),
            member.http.post("/api/verify/manifest", json={"export_id": str(uuid4())}),
            member.http.get("/api/ledger/events"),
        )
        for answer in answers:
            assert (answer.status_code, problem_code(answer)) == (503, "database_unavailable")
            assert answer.headers["retry-after"] == "1"
            assert answer.elapsed < timedelta(seconds=8)  # the client waits as well
        assert api.objects() == before
        assert (await member.http.get("/livez")).status_code == 200
        metrics = await member.http.get("/metrics")
        assert (metrics.status_code, "export_jobs" in metrics.text) == (200, False)
        await mortal_cluster.restart()
        async with asyncio.timeout(10):
            while (await member.http.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.02)
        responses = await asyncio.gather(*(member.http.get(job) for _ in range(8)))
        assert {response.status_code for response in responses} == {200}
        assert (await member.upload(PNG + b"found")).status_code == 201


async def test_a_storage_that_is_gone(own_api: Api) -> None:
    member = await own_api.member()
    evidence = await member.sealed(key="first")
    moved = own_api.settings.storage_dir.with_name("moved")
    own_api.settings.storage_dir.rename(moved)
    try:
        for answer in (
            await member.upload(PNG + b"lost", key="second"),
            await member.http.get(f"/api/evidence/{evidence['id']}/content"),
        ):
            assert (answer.status_code, problem_code(answer)) == (503, "storage_unavailable")
            assert answer.headers["retry-after"] == "1"
        assert (await member.get("/readyz"))["data"]["status"] == "ready"
        assert len(await member.ledger()) == 1
    finally:
        moved.rename(own_api.settings.storage_dir)
    assert (await member.upload(PNG + b"lost", key="second")).status_code == 201


async def test_nothing_is_sealed_whose_object_could_not_be_stored(own_api: Api) -> None:
    member = await own_api.member()
    # A file where the directory of the organization's objects would be.
    (own_api.settings.storage_dir / "evidence").mkdir()
    (own_api.settings.storage_dir / "evidence" / member.organization.id).write_text("in the way")
    response = await member.upload()
    assert (response.status_code, problem_code(response)) == (503, "storage_unavailable")
    assert await member.ledger() == []
    assert len(own_api.objects()) == 1
    shutil.rmtree(own_api.settings.storage_dir / "evidence")
    assert (await member.upload()).status_code == 201
