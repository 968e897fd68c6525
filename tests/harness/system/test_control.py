import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.errors import InstanceFailed
from harness.instances.readiness import ask
from harness.machine.journal import Journal
from harness.machine.processes import Process, process_tree, processes_of_run
from harness.recovery.recover import recover
from harness.system import Instance, System, SystemDescription, launch, launch_sibling

from .conftest import SECRET, MakeTarget

pytestmark = pytest.mark.integration


@pytest.fixture
async def system(make_target: MakeTarget, journal: Journal) -> AsyncIterator[System]:
    started = await launch(make_target(), journal=journal, api_instances=1, workers=1)
    yield started
    await started.close()


async def answers(instance: Instance) -> bool:
    return (await ask(instance.base_url, "/", 0.3)).is_ready


def process_of(instance: Instance) -> Process:
    assert instance.pid
    return Process(instance.pid, instance.started)


async def test_kill(system: System) -> None:
    (worker,) = system.workers
    await system.kill(worker)
    assert not system.is_alive(worker)
    assert not await answers(worker)
    assert system.is_alive(system.api[0])
    await system.kill(worker)  # dead already


async def test_kill_takes_the_children_along(system: System, journal: Journal) -> None:
    instance = await system.start("worker", {"BEHAVIOR": "child"})
    members = process_tree(process_of(instance))
    assert len(members) == 3
    await system.kill(instance)
    assert not any(member.is_alive() for member in members)


async def test_pause_and_resume(system: System) -> None:
    (api,) = system.api
    await system.pause(api)
    assert system.is_alive(api)
    assert process_of(api).is_stopped()
    assert not await answers(api)
    await system.resume(api)
    assert await answers(api)


async def test_a_paused_instance_can_be_killed_and_closed(system: System) -> None:
    await system.pause(system.api[0])
    await system.pause(system.workers[0])
    await system.kill(system.api[0])
    assert not system.is_alive(system.api[0])


async def test_the_command_that_undoes_a_pause_also_takes_a_dead_one_as_healed(
    system: System,
) -> None:
    (api,) = system.api
    undo = system.resume_command(api)
    await system.pause(api)
    subprocess.run(undo, check=True, timeout=30)  # noqa: ASYNC221 - as `recover` does
    assert await answers(api)
    await system.kill(api)
    subprocess.run(undo, check=True, timeout=30)  # noqa: ASYNC221


async def test_stop_gives_the_exit_code(system: System) -> None:
    assert await system.stop(system.api[0]) == 7
    assert system.log_tail(system.api[0]) == "    starting api-1\n    draining"


async def test_stop_waits_for_the_grace_and_no_longer(system: System) -> None:
    slow = await system.start("api", {"BEHAVIOR": "drain:0.5"})
    began = time.monotonic()
    assert await system.stop(slow) == 7
    assert 0.5 <= time.monotonic() - began < 4
    stubborn = await system.start("api", {"BEHAVIOR": "stubborn"})
    began = time.monotonic()
    assert await system.stop(stubborn, grace_s=0.3) == -signal.SIGKILL
    assert 0.3 <= time.monotonic() - began < 3


async def test_restart_keeps_name_port_and_environment(system: System) -> None:
    before = await system.start("worker", {"BEHAVIOR": "slow:0.1"})
    after = await system.restart(before)
    assert (after.name, after.base_url) == (before.name, before.base_url)
    assert after.environment == {"BEHAVIOR": "slow:0.1"}
    assert after.pid != before.pid
    assert system.workers == (system.workers[0], after)
    assert not process_of(before).is_alive()
    assert await answers(after)
    assert after.log_path.read_text() == "starting worker-2\n" * 2
    changed = await system.restart(after, environment={})
    assert changed.environment == {}


async def test_restart_of_one_that_does_not_come_back(system: System) -> None:
    (api,) = system.api
    with pytest.raises(InstanceFailed, match="api-1 exited with 4"):
        await system.restart(api, environment={"BEHAVIOR": "die:4"})
    assert not system.is_alive(api)
    back = await system.restart(api)
    assert system.api == (back,)


async def test_start_counts_on(system: System) -> None:
    names = [(await system.start("api")).name for _ in range(2)]
    assert names == ["api-2", "api-3"]
    assert [each.name for each in system.api] == ["api-1", "api-2", "api-3"]


async def test_several_start_side_by_side(system: System) -> None:
    started = await asyncio.gather(*(system.start("worker") for _ in range(3)))
    assert sorted(each.name for each in started) == ["worker-2", "worker-3", "worker-4"]
    assert len({each.pid for each in system.workers}) == 4


async def test_log_tail_hides_secrets(system: System) -> None:
    assert SECRET in system.secrets
    with system.api[0].log_path.open("a") as log:
        log.write(f"token {SECRET}\npostgresql://u:pw@h/d\n")
    assert system.log_tail(system.api[0], 2) == "    token ***\n    postgresql://u:***@h/d"


async def test_an_attached_process_controls_the_same_instances(system: System) -> None:
    description = SystemDescription.from_json(system.describe().to_json())
    assert description == system.describe()
    attached = System.attach(description)
    assert (attached.api, attached.workers) == (system.api, system.workers)
    assert attached.bring_up_seconds == system.bring_up_seconds
    (api,), (worker,) = attached.api, attached.workers
    await attached.pause(api)
    assert process_of(api).is_stopped()
    await attached.resume(api)
    await attached.kill(worker)
    assert not attached.is_alive(worker)
    assert not system.is_alive(worker)
    assert await attached.stop(api) is None
    again = await attached.restart(worker)
    assert await answers(again)
    await attached.kill(again)
    await attached.close()


async def test_an_attached_process_has_siblings_of_its_own(system: System) -> None:
    attached = System.attach(system.describe())
    sibling = await launch_sibling(attached, api_instances=1, workers=0)
    assert await answers(sibling.api[0])
    await attached.close()
    assert not sibling.is_alive(sibling.api[0])
    assert system.is_alive(system.api[0])


def test_systems_are_not_bound_to_a_loop(make_target: MakeTarget, journal: Journal) -> None:
    target = make_target()
    system = asyncio.run(launch(target, journal=journal, api_instances=1, workers=0))
    asyncio.run(system.pause(system.api[0]))
    asyncio.run(system.resume(system.api[0]))
    asyncio.run(system.restart(system.api[0]))
    asyncio.run(system.close())


KILLED = """
import asyncio, sys
from pathlib import Path
from harness.machine.journal import Journal
from harness.system import launch
from harness.target import load_target

async def main():
    journal = Journal.begin(Path(sys.argv[2]))
    await launch(load_target(Path(sys.argv[1])), journal=journal)
    print(journal.run_id, flush=True)
    await asyncio.sleep(300)

asyncio.run(main())
"""


def test_recover_after_the_harness_was_killed(
    make_target: MakeTarget, run_base: Path, journal: Journal
) -> None:
    target = make_target(behavior="child stubborn")
    harness = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(target.file), str(run_base)], stdout=subprocess.PIPE
    )
    assert harness.stdout
    with harness.stdout:
        run_id = harness.stdout.readline().decode().strip()
    try:
        run_dir = run_base / f"shakedown-{run_id}"
        assert recover([run_base]).alive == tuple(sorted([journal.run_id, run_id]))
        running = processes_of_run(run_id, run_dir)
        assert len(running) == 9  # three instances with two children each
    finally:
        harness.kill()
        harness.wait()
    assert all(process.is_alive() for process in running)
    recovery = recover([run_base])
    assert recovery.alive == (journal.run_id,)
    assert not recovery.problems
    (healing,) = recovery.healed
    assert healing.run_id == run_id
    assert not any(process.is_alive() for process in running)
    assert not run_dir.exists()
