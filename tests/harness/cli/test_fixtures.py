"""What checks are written with, on the reference backend: every fixture does what it says."""

import json
import random

import pytest

from .conftest import Workplace

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


@pytest.mark.parametrize("words", [[], ["-n", "2"]])
def test_every_fixture(workplace: Workplace, words: list[str]) -> None:
    workplace.checks(CHECKS)
    finished = workplace.shakedown(
        "run", "--no-built-in", "checks", "--seed", "3", "--out", "out", *words
    )
    assert finished.verdicts == {
        "own.shared": "pass", "own.fresh": "pass", "own.leaves": "pass", "own.harmed": "pass",
    }, finished.stdout  # fmt: skip
    assert finished.code == 0
    assert finished.results["target"]["workers"] == 2
    out = workplace.folder / "out"
    written = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert [each["kind"] for each in written] == ["writer", "operation", "end"]
    assert written[1]["process"] == "own.leaves"
    drawn = random.Random("3:own.leaves").randrange(10**9)
    assert (out / "checks" / "own.leaves" / "drawn.txt").read_text() == str(drawn)
    logs = {str(path.relative_to(out / "logs")) for path in (out / "logs").rglob("*.log")}
    assert {"api-1.log", "api-3.log", "worker-2.log"} < logs
    assert sum(name.endswith("/worker-1.log") for name in logs) == 2
    assert workplace.leftovers() == []


def test_two_runs_beside_each_other_do_not_disturb_one_another(workplace: Workplace) -> None:
    workplace.checks(CHECKS)
    words = ["run", "--no-built-in", "checks", "--only", "own.shared", "--seed", "3"]
    one, other = [workplace.start(*words, "--out", out) for out in ("one", "other")]
    assert [workplace.finish(each).code for each in (one, other)] == [0, 0]
    assert workplace.leftovers() == []
