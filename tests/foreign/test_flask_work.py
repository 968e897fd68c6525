"""The Flask backend's workers: leases, fences, shares, and defects that find their places."""

import asyncio
import signal
import subprocess
import sys

import pytest

from tests.foreign.flask.defects import DEFECTS
from tests.foreign.flask_depot import ROOT, depot, until

pytestmark = pytest.mark.integration


async def test_what_a_killed_worker_had_is_finished_by_another() -> None:
    async with depot(apis=1, DEPOT_WORK_DELAY_S="1") as running:
        clerk = await running.person()
        bundle = await clerk.bundle(await clerk.project())
        owner = (await clerk.bundle_in(bundle, "running"))["worker"]
        running.workers[owner].kill()
        done = await clerk.bundle_in(bundle, "finished", "error")
        assert (done["status"], done["tries"]) == ("finished", 2)
        assert done["worker"] != owner
        told = (await clerk.seen(f"/journal?subject={bundle}"))["items"]
        assert [entry["what"] for entry in told] == ["bundle.asked", "bundle.done"]


async def test_a_worker_that_wakes_up_too_late_changes_nothing() -> None:
    async with depot(apis=1, DEPOT_WORK_DELAY_S="1") as running:
        clerk = await running.person()
        bundle = await clerk.bundle(await clerk.project())
        owner = (await clerk.bundle_in(bundle, "running"))["worker"]
        running.workers[owner].send_signal(signal.SIGSTOP)
        done = await clerk.bundle_in(bundle, "finished")
        running.workers[owner].send_signal(signal.SIGCONT)
        running.workers[owner].terminate()
        assert await asyncio.wait_for(running.workers[owner].wait(), 20) == 0
        assert await clerk.seen(f"/bundles/{bundle}") == done
        told = (await clerk.seen(f"/journal?subject={bundle}"))["items"]
        assert [entry["what"] for entry in told] == ["bundle.asked", "bundle.done"]


async def test_three_tries_are_all_there_are_until_it_is_tried_again() -> None:
    async with depot(apis=1, DEPOT_WORK_DELAY_S="1", DEPOT_LEASE_S="0.6") as running:
        clerk = await running.person()
        running.workers["w2"].kill()
        bundle = await clerk.bundle(await clerk.project())
        for number in (1, 2, 3):

            async def tried(number: int = number) -> bool:
                shown = await clerk.seen(f"/bundles/{bundle}")
                return bool(shown["status"] == "running" and shown["tries"] == number)

            await until(tried, f"try number {number}")
            running.workers["w1"].kill()
            await running.workers["w1"].wait()
            await running.start_worker("w1")
        over = await clerk.bundle_in(bundle, "error", "finished")
        assert (over["status"], over["problem"], over["tries"]) == ("error", "gave_up", 3)
        again = await clerk.ask("POST", f"/bundles/{bundle}/again")
        assert (again.status_code, again.json()["status"]) == (201, "new")
        done = await clerk.bundle_in(bundle, "finished", "error")
        assert (done["status"], done["tries"]) == ("finished", 4)


async def test_each_of_many_bundles_is_made_once() -> None:
    async with depot(apis=1, DEPOT_WORKER_SLOTS="4", DEPOT_RUNNING_PER_TENANT="8") as running:
        clerk = await running.person()
        bundles = [await clerk.bundle(await clerk.project()) for _ in range(40)]
        for bundle in bundles:
            assert (await clerk.bundle_in(bundle, "finished", "error"))["tries"] == 1
        told = [entry["what"] for entry in await clerk.listed("/journal", 100)]
        assert told.count("bundle.done") == 40


async def test_a_tenant_never_has_more_than_three_at_work() -> None:
    async with depot(apis=1, DEPOT_WORK_DELAY_S="0.5", DEPOT_WORKER_SLOTS="4") as running:
        clerk, other = await running.person(), await running.person()
        bundles = [await clerk.bundle(await clerk.project()) for _ in range(7)]
        last = await other.bundle(await other.project())
        done = [await clerk.bundle_in(bundle, "finished") for bundle in bundles]
        at_work = [
            sum(one["begun_at"] <= bundle["begun_at"] < one["ended_at"] for one in done)
            for bundle in done
        ]
        assert max(at_work) == 3
        # Somebody else's bundle does not wait for those of a tenant that has its share.
        theirs = await other.bundle_in(last, "finished")
        assert theirs["begun_at"] < max(bundle["begun_at"] for bundle in done)


async def test_a_worker_that_is_told_to_end_finishes_what_it_has() -> None:
    async with depot(apis=1, DEPOT_WORK_DELAY_S="1", DEPOT_LEASE_S="60") as running:
        clerk = await running.person()
        bundle = await clerk.bundle(await clerk.project())
        owner = running.workers[(await clerk.bundle_in(bundle, "running"))["worker"]]
        owner.terminate()
        assert await asyncio.wait_for(owner.wait(), 15) == 0
        assert (await clerk.seen(f"/bundles/{bundle}"))["status"] == "finished"


async def test_a_worker_without_time_gives_back_what_it_has() -> None:
    async with depot(
        apis=1, DEPOT_WORK_DELAY_S="4", DEPOT_LEASE_S="60", DEPOT_DRAIN_S="0.1"
    ) as running:
        clerk = await running.person()
        bundle = await clerk.bundle(await clerk.project())
        name = (await clerk.bundle_in(bundle, "running"))["worker"]
        running.workers[name].terminate()
        assert await asyncio.wait_for(running.workers[name].wait(), 15) == 0
        done = await clerk.bundle_in(bundle, "finished")
        assert done["worker"] != name


async def test_a_stopped_bundle_stays_stopped() -> None:
    async with depot(apis=1, DEPOT_WORK_DELAY_S="1") as running:
        clerk = await running.person()
        project = await clerk.project()
        bundle = await clerk.bundle(project)
        same = await clerk.ask("POST", f"/projects/{project}/bundles/full")
        assert (same.status_code, same.json()["id"]) == (200, bundle)
        assert same.headers["X-Already-Running"] == "yes"
        await clerk.bundle_in(bundle, "running")
        stopped = await clerk.ask("POST", f"/bundles/{bundle}/abort")
        assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
        late = await clerk.ask("POST", f"/bundles/{bundle}/abort")
        assert (late.status_code, late.json()["reason"]) == (409, "bundle_is_over")
        next_one = await clerk.bundle(project)
        assert next_one != bundle
        fetched = await clerk.ask("GET", f"/bundles/{bundle}/zip")
        assert (fetched.status_code, fetched.json()["reason"]) == (409, "bundle_not_finished")
        for worker in running.workers.values():  # each ends what it was at before it ends
            worker.terminate()
            assert await asyncio.wait_for(worker.wait(), 15) == 0
        assert (await clerk.seen(f"/bundles/{bundle}"))["status"] == "stopped"
        assert (await clerk.seen(f"/bundles/{next_one}"))["status"] in ("new", "finished")


SWITCH_ON_EACH = """
import os, traceback
from tests.foreign.flask.defects import DEFECTS, switch_on
for defect in DEFECTS:
    if os.fork() == 0:
        try:
            switch_on(defect.id)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(defect.id, os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
"""A process for each, since a defect stays switched on: forked, so that Flask is imported once."""


@pytest.fixture(scope="module")
def switched_on() -> dict[str, str]:
    command = [sys.executable, "-c", SWITCH_ON_EACH]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.parametrize("defect", [defect.id for defect in DEFECTS])
def test_a_defect_finds_its_place(defect: str, switched_on: dict[str, str]) -> None:
    assert switched_on[defect] == "0"
