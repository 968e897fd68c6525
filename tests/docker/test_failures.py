"""What cannot be brought up in containers says why, and leaves nothing in the engine."""

import asyncio

import pytest

from harness.containers.engine import Engine
from harness.errors import InstanceFailed, Misconfigured
from harness.instances.readiness import ask
from harness.machine.journal import Journal
from harness.system import System, launch
from harness.target import Target
from harness.waiting import wait_until

from .conftest import DOCKERFILE, MakeTarget

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("nothing_is_left")]

IMAGE = '[build]\ncontext = "image"\n'


async def bring_up(target: Target, journal: Journal) -> System:
    return await launch(target, journal=journal)


async def test_a_backend_of_ones_own(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    system = await bring_up(make_target(), journal)
    try:
        (api,) = system.api
        assert (await ask(api.base_url, "/", 2)).is_ready
        assert system.log_tail(api) == "    starting api-1"
        assert system.database_url is None
        assert await system.stop(api) == 7
        assert system.log_tail(api) == "    starting api-1\n    draining"
        assert system.exit_code(api) == 7
    finally:
        await system.close()


async def test_children_die_with_their_container(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    system = await bring_up(make_target(behavior="child"), journal)
    try:
        (api,) = system.api
        assert api.container
        processes = engine.client.api.top(api.container)["Processes"]
        assert len(processes) == 3
        await system.kill(api)
        assert not system.is_alive(api)
    finally:
        await system.close()


async def test_one_that_dies_shows_its_last_words_without_secrets(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    with pytest.raises(InstanceFailed) as caught:
        await bring_up(make_target(behavior="die:3"), journal)
    assert str(caught.value) == (
        "api-1 exited with 3 before it was ready; its last log lines:\n"
        "    starting api-1\n    no such table: exports ***"
    )


async def test_one_that_never_gets_ready(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target(("ready_timeout_s = 10", "ready_timeout_s = 0.5"), behavior="never")
    with pytest.raises(InstanceFailed, match=r"not ready within 0\.5 s: .* 503 not today"):
        await bring_up(target, journal)


async def test_a_program_that_the_image_does_not_have(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target(('"{python}", "-S"', '"no-such-program"'))
    with pytest.raises(Misconfigured, match=r"starting .*api-1: .*no-such-program"):
        await bring_up(target, journal)


async def test_a_build_that_fails_shows_its_last_words(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target()
    assert target.build
    with open(f"{target.build.context}/Dockerfile", "a", encoding="ascii") as file:  # noqa: ASYNC230, PTH123
        file.write("RUN echo the compiler is missing && exit 9\n")
    with pytest.raises(Misconfigured, match="builds no image") as caught:
        await bring_up(target, journal)
    assert "the compiler is missing" in str(caught.value)
    assert "returned a non-zero code: 9" in str(caught.value)


async def test_an_image_that_cannot_be_had(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target(
        (IMAGE, ""), ("instances = 1", 'instances = 1\nimage = "localhost:1/nobody/none:1"')
    )
    with pytest.raises(Misconfigured) as caught:
        await bring_up(target, journal)
    message = str(caught.value)
    assert message.startswith("api.image: there is no image 'localhost:1/nobody/none:1'")
    assert "docker pull" in message


async def test_a_migration_that_fails(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    migrate = (
        '[database]\nsource = "docker"\n[database.migrate]\n'
        'command = ["sh", "-c", "echo no room for $DATABASE_URL; exit 4"]\n'
        'environment = { DATABASE_URL = "{database_url}" }\n[tokens.mint]'
    )
    with pytest.raises(Misconfigured) as caught:
        await bring_up(make_target(("[tokens.mint]", migrate)), journal)
    message = str(caught.value)
    assert message.startswith(
        "the migrate command exited with 4; its last log lines:\n    no room for"
    )
    assert "postgresql://backend:***@postgres:5432/template_main" in message


async def test_a_launch_that_is_cancelled(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target(("instances = 1", "instances = 3"), behavior="never")
    launching = asyncio.ensure_future(bring_up(target, journal))
    mark = {"label": f"dev.shakedown.run={journal.run_id}"}
    await wait_until(
        lambda: len(engine.client.api.containers(filters=mark)) >= 2, 10, "containers of the run"
    )
    launching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await launching


async def test_a_changed_file_is_another_image(
    engine: Engine, make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target()
    assert target.build
    images = []
    for line in ("", "ENV ONE=1\n"):
        with open(f"{target.build.context}/Dockerfile", "w", encoding="ascii") as file:  # noqa: ASYNC230, PTH123
            file.write(DOCKERFILE + line)
        system = await bring_up(target, journal)
        images.append(system.plan.driver.images["api"])
        await system.close()
    assert len(set(images)) == 2
    assert {image.rpartition(":")[0] for image in images} == {"shakedown-build/stand-in"}
