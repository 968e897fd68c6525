import asyncio
import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InstanceFailed, Misconfigured
from harness.machine.journal import Journal, read_entries
from harness.machine.ports import free_port, is_free
from harness.machine.processes import processes_of_run
from harness.recovery.healing import end_run
from harness.system import Instance, System, launch, launch_sibling
from harness.target import Target

from .conftest import SECRET, STAND_IN, MakeTarget

pytestmark = pytest.mark.integration


async def bring_up(target: Target, journal: Journal, **more: Any) -> System:  # noqa: ANN401
    return await launch(target, journal=journal, **more)


async def ask(instance: Instance) -> dict[str, Any]:
    def get() -> dict[str, Any]:
        with urllib.request.urlopen(f"{instance.base_url}/", timeout=5) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    return await asyncio.to_thread(get)


def exists(path: Path) -> bool:
    return path.exists()


def nothing_runs(journal: Journal) -> bool:
    return not processes_of_run(journal.run_id, journal.run_dir)


async def test_instances_side_by_side(make_target: MakeTarget, journal: Journal) -> None:
    steps: list[str] = []
    target = make_target()
    system = await bring_up(target, journal, on_progress=steps.append)
    try:
        assert [each.name for each in system.api] == ["api-1", "api-2"]
        assert [each.name for each in system.workers] == ["worker-1"]
        assert len({each.base_url for each in (*system.api, *system.workers)}) == 3
        for instance in (*system.api, *system.workers):
            assert (await ask(instance))["pid"] == instance.pid
            assert instance.log_path.read_text() == f"starting {instance.name}\n"
        assert sorted(step.partition(" (")[0] for step in steps) == [
            "api-1 is ready", "api-2 is ready", "worker-1 is ready",
        ]  # fmt: skip
        assert 0 < system.bring_up_seconds < 10
        assert system.database_url is None
    finally:
        await system.close()
    assert nothing_runs(journal)
    await system.close()


async def test_the_slow_ones_do_not_add_up(make_target: MakeTarget, journal: Journal) -> None:
    target = make_target(behavior="slow:1")
    began = time.monotonic()
    system = await bring_up(target, journal, api_instances=4, workers=0)
    took = time.monotonic() - began
    await system.close()
    assert len(system.api) == 4
    assert 1 < took < 3


async def test_what_an_instance_gets(
    make_target: MakeTarget, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    more = """\
[api.environment]
STORAGE = "{storage_dir}"
NAME = "{instance}"
SECRET = "{jwt_secret}"
"""
    target = make_target(("[api.environment]\n", more))
    system = await bring_up(target, journal, api_instances=1, workers=0)
    try:
        got = (await ask(system.api[0]))["environment"]
        assert got["INHERITED"] == "yes"
        assert got["STORAGE"] == str(system.storage_dir)
        assert got["NAME"] == "api-1"
        assert got["SECRET"] == SECRET
        assert system.storage_dir
        assert system.storage_dir.is_dir()
        temp = Path(got["TMPDIR"])
        assert temp.is_relative_to(journal.run_dir)
        assert exists(temp)
    finally:
        await system.close()
    assert not exists(temp)
    assert not system.storage_dir.exists()
    assert system.log_dir.is_dir()


async def test_an_instance_that_dies_is_told_at_once(
    make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target(
        ("[environment]", '[environment]\nSECRET = "{jwt_secret}"'),
        ("ready_timeout_s = 10", "ready_timeout_s = 60"),
        behavior="die:3",
    )
    began = time.monotonic()
    with pytest.raises(InstanceFailed) as caught:
        await bring_up(target, journal)
    assert time.monotonic() - began < 5
    first, *rest = str(caught.value).splitlines()
    assert "exited with 3 before it was ready" in first
    assert rest[-1] == "    no such table: exports ***"
    assert nothing_runs(journal)


async def test_an_instance_that_is_killed_says_by_what(
    make_target: MakeTarget, journal: Journal
) -> None:
    command = '["sh", "-c", "echo last; kill -SEGV $$"]'
    target = make_target((f'["{{python}}", "-S", "{STAND_IN}", "{{instance}}"]', command))
    with pytest.raises(InstanceFailed, match=r"(?s)-\d was killed by SIGSEGV before .*\n    last"):
        await bring_up(target, journal)


async def test_one_that_never_gets_ready(make_target: MakeTarget, journal: Journal) -> None:
    target = make_target(
        ("ready_timeout_s = 10", "ready_timeout_s = 1"),
        behavior="never child",
    )
    with pytest.raises(InstanceFailed) as caught:
        await bring_up(target, journal)
    # Whose time is over first, an API's or a worker's, is for the machine to say.
    assert re.fullmatch(
        r"\S+ was not ready within 1 s: GET http://127\.0\.0\.1:\d+/(readyz|metrics) .*"
        r"503 not today.*\n    starting .*",
        str(caught.value),
        re.DOTALL,
    ), str(caught.value)
    assert nothing_runs(journal)


async def test_one_that_listens_to_nobody(make_target: MakeTarget, journal: Journal) -> None:
    target = make_target(
        ("ready_timeout_s = 10", "ready_timeout_s = 1"),
        behavior="deaf",
    )
    with pytest.raises(InstanceFailed, match=r"GET .*refused"):
        await bring_up(target, journal)
    assert nothing_runs(journal)


async def test_one_fails_and_all_go(make_target: MakeTarget, journal: Journal) -> None:
    target = make_target(("[worker.environment]", '[worker.environment]\nBEHAVIOR = "quit-late"'))
    with pytest.raises(InstanceFailed, match=r"(?s)worker-1 exited with 5.*giving up"):
        await bring_up(target, journal)
    assert nothing_runs(journal)
    assert [entry.kind for entry in read_entries(journal.run_dir).values()] == ["run"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            '["no-such-program-anywhere"]',
            "api.command: there is no program 'no-such-program-anywhere'",
        ),
        ('["/"]', "api.command: cannot start '/': Permission denied"),
    ],
)
async def test_a_command_that_cannot_be_started(
    make_target: MakeTarget, journal: Journal, command: str, expected: str
) -> None:
    target = make_target((f'["{{python}}", "-S", "{STAND_IN}", "{{instance}}"]', command))
    with pytest.raises(Misconfigured) as caught:
        await bring_up(target, journal)
    assert str(caught.value).startswith(expected)
    assert nothing_runs(journal)


async def test_a_configured_port_in_use(make_target: MakeTarget, journal: Journal) -> None:
    port = free_port()
    target = make_target(("instances = 2", f"instances = 1\nport = {port}"))
    first = await bring_up(target, journal, workers=0)
    try:
        assert first.api[0].base_url == f"http://127.0.0.1:{port}"
        expected = f"api-1: port {port} on 127.0.0.1 is in use by another program"
        with pytest.raises(Misconfigured, match=expected):
            await bring_up(target, journal, workers=0, name="second")
    finally:
        await first.close()
    assert is_free(port)


async def test_a_port_that_was_lost_is_chosen_again(
    make_target: MakeTarget, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = make_target()
    first = await bring_up(target, journal, api_instances=1, workers=0)
    taken = int(first.api[0].base_url.rpartition(":")[2])
    ports = iter([taken])
    monkeypatch.setattr(
        "harness.instances.start.free_port", lambda tried: next(ports, None) or free_port(tried)
    )
    # The first instance answers in place of the second: it must not be taken for it.
    second = await bring_up(target, journal, api_instances=1, workers=0, name="second")
    try:
        assert second.api[0].base_url != first.api[0].base_url
        assert (await ask(second.api[0]))["pid"] == second.api[0].pid
    finally:
        await second.close()
        await first.close()


async def test_two_systems_do_not_disturb_each_other(
    make_target: MakeTarget, journal: Journal, run_base: Path
) -> None:
    other_journal = Journal.begin(run_base)
    target = make_target()
    one, other = await asyncio.gather(bring_up(target, journal), bring_up(target, other_journal))
    await one.close()
    assert all(other.is_alive(instance) for instance in (*other.api, *other.workers))
    assert (await ask(other.api[0]))["pid"] == other.api[0].pid
    await other.close()
    assert not end_run(other_journal).problems


async def test_cancelling_a_launch_leaves_nothing(
    make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target(behavior="slow:30")
    for after in (0.0, 0.05, 0.3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after):
                await bring_up(target, journal)
        assert nothing_runs(journal)


async def test_a_worker_without_a_ready_path(make_target: MakeTarget, journal: Journal) -> None:
    target = make_target()
    worker = target.worker
    assert worker
    silent = target.model_copy(
        update={
            "worker": worker.model_copy(update={"ready_path": None, "command": ("sleep", "300")})
        }
    )
    system = await bring_up(silent, journal, api_instances=1)
    assert system.is_alive(system.workers[0])
    await system.close()


async def test_a_worker_without_a_ready_path_that_ends_at_once(
    make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target()
    worker = target.worker
    assert worker
    command = ("sh", "-c", "sleep 0.3; echo nothing to do; exit 7")
    brief = worker.model_copy(update={"ready_path": None, "command": command, "instances": 1})
    target = target.model_copy(update={"worker": brief})
    with pytest.raises(InstanceFailed) as caught:
        await bring_up(target, journal, api_instances=1)
    assert str(caught.value).startswith("worker-1 is no longer running")
    assert str(caught.value).endswith(":\n    nothing to do")
    assert nothing_runs(journal)


async def test_workers_without_a_table(make_target: MakeTarget, journal: Journal) -> None:
    target = make_target().model_copy(update={"worker": None})
    with pytest.raises(
        Misconfigured, match=r"2 workers are needed, but the target has no \[worker\]"
    ):
        await bring_up(target, journal, workers=2)
    system = await bring_up(target, journal, api_instances=1)
    assert system.workers == ()
    await system.close()


async def test_a_backend_that_already_runs(make_target: MakeTarget, journal: Journal) -> None:
    running = await bring_up(make_target(), journal)
    urls = [each.base_url + "/" for each in running.api]
    command = f'command = ["{{python}}", "-S", "{STAND_IN}", "{{instance}}"]'
    target = make_target(
        (f"[api]\n{command}", f"[api]\nbase_urls = {json.dumps(urls)}"),
        ('name = "stand-in"', 'name = "stand-in"\ndriver = "external"'),
    )
    found = await bring_up(target, journal, name="found")
    assert [each.base_url for each in found.api] == [each.base_url for each in running.api]
    assert found.workers == ()
    assert found.is_alive(found.api[0])
    for attempt in (found.kill, found.pause, found.stop, found.restart):
        with pytest.raises(Misconfigured, match="was not started by the harness"):
            await attempt(found.api[0])
    with pytest.raises(Misconfigured, match="cannot start instances"):
        await found.start("api")
    with pytest.raises(Misconfigured, match="no second system can be started beside it"):
        await launch_sibling(found)
    await found.close()
    assert running.is_alive(running.api[0])
    await running.close()
    gone = target.model_copy(update={"api": target.api.model_copy(update={"ready_timeout_s": 0.2})})
    with pytest.raises(Misconfigured, match=r"api.base_urls.0: .* nothing can be reached"):
        await bring_up(gone, journal, name="gone")


async def test_siblings_have_their_own_everything(
    make_target: MakeTarget, journal: Journal
) -> None:
    system = await bring_up(make_target(), journal)
    sibling = await launch_sibling(
        system,
        api_instances=1,
        workers=1,
        environment={"A": "all"},
        worker_environment={"B": "worker"},
    )
    try:
        assert sibling.name != system.name
        assert sibling.storage_dir != system.storage_dir
        api, worker = await ask(sibling.api[0]), await ask(sibling.workers[0])
        assert (api["environment"]["A"], worker["environment"]["A"]) == ("all", "all")
        assert "B" not in api["environment"]
        assert worker["environment"]["B"] == "worker"
        assert sibling.workers[0].environment == {"A": "all", "B": "worker"}
        await sibling.close()
        assert system.is_alive(system.api[0])
        another = await launch_sibling(system, api_instances=1, workers=0)
    finally:
        await system.close()
    assert not another.is_alive(another.api[0])
    assert nothing_runs(journal)


async def test_a_sibling_that_fails_leaves_the_system_alone(
    make_target: MakeTarget, journal: Journal
) -> None:
    system = await bring_up(make_target(), journal, api_instances=1, workers=0)
    with pytest.raises(InstanceFailed, match="exited with 9"):
        await launch_sibling(system, environment={"BEHAVIOR": "die:9"})
    assert [process.pid for process in processes_of_run(journal.run_id, journal.run_dir)] == [
        system.api[0].pid
    ]
    await system.close()
