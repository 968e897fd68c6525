"""What can be done to a process can be done to a container, and a container can be cut off too."""

import signal

import pytest

from harness.client import Organizations
from harness.containers.engine import Engine
from harness.instances.readiness import ask
from harness.system import Instance, System, SystemDescription, launch_sibling
from harness.waiting import wait_until

pytestmark = pytest.mark.docker

READY_WITHIN_S = 15.0


async def answers(instance: Instance) -> bool:
    path = "/readyz" if instance.role == "api" else "/metrics"
    return (await ask(instance.base_url, path, 1.0)).is_ready


async def until_ready(instance: Instance) -> None:
    await wait_until(lambda: answers(instance), READY_WITHIN_S, f"{instance.name} to be ready")


async def exported(system: System) -> str:
    """Have the workers make an export; give the state it ends in."""
    base_urls = [instance.base_url for instance in system.api]
    async with Organizations.of(system.target, base_urls) as organizations:
        org = await organizations.new("org")
        job = await org.new_job()
        export = await org.client.new_export(job["id"], "ledger")
        return str((await org.client.wait_for_export(export["id"]))["state"])


async def test_everything_is_published_on_loopback_only(shared: System, engine: Engine) -> None:
    found = engine.client.api.containers(
        filters={"label": f"dev.shakedown.run={shared.journal.run_id}"}
    )
    assert len(found) == 4
    addresses = {port["IP"] for each in found for port in each["Ports"] if "PublicPort" in port}
    assert addresses == {"127.0.0.1"}


async def test_no_secret_is_on_a_command_line_or_a_label(shared: System, engine: Engine) -> None:
    for each in engine.client.api.containers(
        filters={"label": f"dev.shakedown.run={shared.journal.run_id}"}
    ):
        config = engine.client.api.inspect_container(each["Id"])["Config"]
        shown = f"{config['Cmd']} {config['Entrypoint']} {config['Labels']}"
        assert not [secret for secret in shared.secrets if secret in shown]


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_kill_and_restart(shared: System, role: str) -> None:
    instance = (shared.api if role == "api" else shared.workers)[0]
    await shared.kill(instance)
    assert not shared.is_alive(instance)
    assert not await answers(instance)
    assert await answers(shared.api[1])
    await shared.kill(instance)  # dead already
    back = await shared.restart(instance)
    assert (back.name, back.base_url) == (instance.name, instance.base_url)
    assert await answers(back)
    assert await exported(shared) == "ready"


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_pause_and_resume(shared: System, role: str) -> None:
    instance = (shared.api if role == "api" else shared.workers)[0]
    await shared.pause(instance)
    await shared.pause(instance)  # stands still already
    assert shared.is_alive(instance)
    assert shared.is_paused(instance)
    assert not await answers(instance)
    await shared.resume(instance)
    await shared.resume(instance)
    assert not shared.is_paused(instance)
    await until_ready(instance)


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_stop_with_grace_gives_the_exit_code(shared: System, role: str) -> None:
    instance = (shared.api if role == "api" else shared.workers)[0]
    assert await shared.stop(instance) == 0
    assert not shared.is_alive(instance)
    assert await answers(await shared.restart(instance))


async def test_who_does_not_end_within_the_grace_is_killed(shared: System) -> None:
    worker = shared.workers[0]
    await shared.pause(worker)  # hears no signal but one
    assert await shared.stop(worker, grace_s=0.3) == -signal.SIGKILL
    assert await answers(await shared.restart(worker))


async def test_one_more_is_started_with_an_environment_of_its_own(
    shared: System, engine: Engine
) -> None:
    more = await shared.start("worker", {"WORKER_NAME": "the-other"})
    try:
        assert more.container
        config = engine.client.api.inspect_container(more.container)["Config"]
        assert "WORKER_NAME=the-other" in config["Env"]
        again = await shared.restart(more)
        assert again.environment == {"WORKER_NAME": "the-other"}
        changed = await shared.restart(again, environment={})
        config = engine.client.api.inspect_container(more.container)["Config"]
        assert f"WORKER_NAME={changed.name}" in config["Env"]
    finally:
        await shared.stop(more)


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_cut_off_and_connected_again(shared: System, role: str) -> None:
    instance = (shared.api if role == "api" else shared.workers)[0]
    await shared.disconnect(instance)
    await shared.disconnect(instance)  # is off already
    assert shared.is_alive(instance)
    assert not await answers(instance)
    assert await answers(shared.api[1])
    await shared.reconnect(instance)
    await shared.reconnect(instance)
    await until_ready(instance)
    assert await exported(shared) == "ready"


async def test_the_database_is_killed_and_comes_back_with_its_data(shared: System) -> None:
    server = shared.database_server
    assert server
    server.kill()
    assert not server.is_alive()
    assert not await answers(shared.api[0])
    await server.restart()
    assert server.is_alive()
    await until_ready(shared.api[0])
    assert await exported(shared) == "ready"


async def test_another_process_of_the_run_controls_the_same_containers(shared: System) -> None:
    attached = System.attach(SystemDescription.from_json(shared.describe().to_json()))
    try:
        api = attached.api[0]
        assert attached.is_alive(api)
        await attached.pause(api)
        assert shared.is_paused(api)
        await attached.resume(api)
        before = api.log_path.stat().st_size
        assert await answers(await attached.restart(api))
        assert api.log_path.stat().st_size > before
        assert await attached.stop(api) == 0
    finally:
        await attached.close()
    assert await answers(await shared.restart(shared.api[0]))


async def test_a_sibling_has_its_own_database_and_storage(shared: System, engine: Engine) -> None:
    sibling = await launch_sibling(shared, api_instances=1, workers=1)
    assert sibling.storage_dir
    assert shared.storage_dir
    try:
        assert sibling.database_url != shared.database_url
        assert await exported(sibling) == "ready"
        assert any(sibling.storage_dir.rglob("*"))
    finally:
        await sibling.close()
    assert not sibling.storage_dir.exists()
    names = [each["Names"][0] for each in engine.client.api.containers(all=True)]
    assert not [name for name in names if sibling.name in name]
    assert await answers(shared.api[0])


async def test_what_instances_print_is_in_their_logs(shared: System) -> None:
    worker = shared.workers[0]
    assert await exported(shared) == "ready"
    assert await shared.stop(worker) == 0
    assert "drain" in worker.log_path.read_text(encoding="utf-8")
    await shared.restart(worker)
