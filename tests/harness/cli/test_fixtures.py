"""What checks are written with, on the reference backend: every fixture does what it says."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import Finished, Workplace

pytestmark = pytest.mark.integration

CHECKS = """
@check("own.shared", "The shared system serves", checklist="Own works", observes=4)
async def check_shared(observe, organizations, org, other_org, database, system, target, seed):
    job = await org.new_job()
    (row,) = await database.fetch("SELECT organization_id FROM jobs WHERE id = %s", [job["id"]])
    assert str(row["organization_id"]) == org.id != other_org.id
    observe(2)
    with pytest.raises(Inconclusive):
        await database.fetch("SELECT * FROM no_such_table")
    observe()
    answer = await other_org.client.call("getJob", path={"job_id": job["id"]})
    assert answer.status == 404
    observe()
    assert (len(system.api), len(system.workers)) == (3, 2)
    assert (target.name, seed) == ("reference", 3)

@check("own.fresh", "A system of its own is its own", checklist="Own works", observes=3)
async def check_fresh(observe, org, fresh_system, system):
    await org.new_job()
    async with fresh_system(
        api_instances=1, workers=1, worker_environment={"POLL_INTERVAL_S": "0.1"}
    ) as own:
        assert (await own.database.fetch_one("SELECT count(*) AS n FROM jobs"))["n"] == 0
        observe()
        theirs = await own.organizations.new()
        job = await theirs.new_job()
        export = await theirs.client.new_export(job["id"])
        await theirs.client.wait_for_export(export["id"])
        observe()
        await own.control_database.fetch("DELETE FROM idempotency_keys")
        with pytest.raises(Exception, match="read-only"):
            await own.database.fetch("DELETE FROM idempotency_keys")
        observe()
        assert own.system.api[0].base_url not in {each.base_url for each in system.api}
        url = own.system.api[0].base_url

@check("own.harmed", "A system that may be harmed", checklist="Own works", observes=3)
async def check_harmed(observe, fresh_system, system):
    async with fresh_system(
        api_instances=1, workers=1, proxied=True, own_server=True
    ) as own:
        theirs = await own.organizations.new()
        job = await theirs.new_job()
        export = await theirs.client.new_export(job["id"])
        await theirs.client.wait_for_export(export["id"])
        network, server = own.system.network, own.system.own_server
        assert network.api["api-1"].accepted
        observe()
        assert {name: proxy.accepted > 0 for name, proxy in network.database.items()} == {
            "api-1": True, "worker-1": True,
        }
        observe()
        assert f":{server.port}/" in own.system.database_url
        assert f":{server.port}/" not in system.database_url
        observe()

@check("own.leaves", "A check leaves things", checklist="Own works", observes=1)
async def check_leaves(observe, history, report_dir, rng):
    history.write("invoke", "getJob", process="own.leaves")
    (report_dir / "drawn.txt").write_text(str(rng.randrange(10**9)))
    observe()
"""


def test_every_fixture_in_two_runs_beside_each_other(workplace: Workplace) -> None:
    """In the process of the command and in two of their own; neither run disturbs the other."""
    workplace.checks(CHECKS)
    words = ["run", "--no-built-in", "checks", "--seed", "3", "--out"]

    def run(more: list[str]) -> Finished:
        return workplace.shakedown(*words, *more)

    with ThreadPoolExecutor() as threads:
        finished = [*threads.map(run, (["one"], ["two", "-n", "2"]))]
    for each, out in zip(finished, ("one", "two"), strict=True):
        assert each.code == 0, each.stdout + each.stderr
        assert_whole_report(workplace.folder / out)
    assert workplace.leftovers() == []


def assert_whole_report(out: Path) -> None:
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert {check["id"]: check["verdict"] for check in results["checks"]} == {
        "own.shared": "pass", "own.fresh": "pass", "own.leaves": "pass", "own.harmed": "pass",
    }  # fmt: skip
    assert results["target"]["workers"] == 2
    written = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert [each["kind"] for each in written] == ["writer", "operation", "check", "end"]
    assert written[1]["process"] == "own.leaves"
    drawn = random.Random("3:own.leaves").randrange(10**9)
    assert (out / "checks" / "own.leaves" / "drawn.txt").read_text() == str(drawn)
    logs = {str(path.relative_to(out / "logs")) for path in (out / "logs").rglob("*.log")}
    assert {"api-1.log", "api-3.log", "worker-2.log"} < logs
    assert sum(name.endswith("/worker-1.log") for name in logs) == 2
