"""Whatever happens to a run, and whenever, the engine afterwards holds what it held before."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.containers.engine import Engine
from harness.machine.directories import run_bases

from .commands import Begun, beginning, shakedown
from .conftest import DOCKERFILE, GOES_WITHIN_S, Held, MakeTarget

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

UP = ("up", "--driver", "docker", "--instances", "2", "--workers", "1")
ALL_OF_IT = {"postgres", "main-api-1", "main-api-2", "main-worker-1"}
DRILLS = ("run", "--driver", "docker", "--only", "chaos.worker-*", "-n", "2")

Start = Callable[..., Begun]

MOMENTS = {
    "the network is there": lambda begun: begun.run_id,
    "PostgreSQL is made": lambda begun: begun.has_container("postgres"),
    "the migration is made": lambda begun: begun.has_container("migrate"),
    "the first instance is made": lambda begun: begun.has_container("main-api"),
}


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Iterator[Start]:
    """Start commands; afterwards nothing is in the engine that was not there before."""
    before = Held.by(engine)
    with ExitStack() as all_of_them:

        def begin(*words: str, **environment: str) -> Begun:
            more = [] if words[0] == "up" else ["--out", str(tmp_path / "out")]
            output = tmp_path / "output.txt"
            return all_of_them.enter_context(
                beginning(engine, output, *words, *more, **environment)
            )

        yield begin
    before.expect_no_more(engine)


def recovered(run_id: str) -> str:
    done = shakedown("recover")
    # Somebody else's runs on this machine may have left what cannot be healed.
    assert run_id not in done.stderr
    (line,) = [
        each for each in done.stdout.splitlines() if each.startswith(f"recovered run {run_id}")
    ]
    assert f"recovered run {run_id}" not in shakedown("recover").stdout
    return line


def test_a_run_that_goes_on_is_left_alone_and_goes_when_it_is_told_to(start: Start) -> None:
    begun = start(*UP)
    begun.wait_until_up()
    assert begun.containers() == ALL_OF_IT
    assert f"left run {begun.run_id} alone" in shakedown("recover").stdout
    assert begun.containers() == ALL_OF_IT
    assert begun.end_by(signal.SIGTERM) == 0
    assert begun.containers() == set()


def test_recover_after_kill_9_also_of_what_is_frozen(engine: Engine, start: Start) -> None:
    begun = start(*UP)
    begun.wait_until_up()
    run_id = begun.run_id
    engine.client.api.pause(f"shakedown-{run_id}-main-worker-1")
    engine.client.api.pause(f"shakedown-{run_id}-postgres")
    begun.end_by(signal.SIGKILL)
    assert begun.containers() == ALL_OF_IT
    told = recovered(run_id)
    assert f"container shakedown-{run_id}-postgres" in told
    assert f"volume shakedown-{run_id}-main-storage" in told
    assert f"network shakedown-{run_id}-net" in told


def test_recover_by_labels_alone(start: Start) -> None:
    begun = start(*UP)
    begun.wait_until_up()
    run_id = begun.run_id
    begun.end_by(signal.SIGKILL)
    for base in run_bases():
        shutil.rmtree(base / f"shakedown-{run_id}", ignore_errors=True)
    assert f"container shakedown-{run_id}-postgres" in recovered(run_id)


def test_where_there_is_a_ryuk_it_removes_what_a_killed_run_has_left(
    start: Start, ryuk_image: str
) -> None:
    begun = start(*UP, RYUK_CONTAINER_IMAGE=ryuk_image, TESTCONTAINERS_RYUK_DISABLED="false")
    begun.wait_until_up()
    run_id = begun.run_id
    assert begun.containers() == ALL_OF_IT
    begun.end_by(signal.SIGKILL)
    until = time.monotonic() + GOES_WITHIN_S
    while begun.run_id and time.monotonic() < until:
        time.sleep(0.1)
    told = recovered(run_id)
    assert "container" not in told
    assert "volume" not in told
    assert "network" not in told


@pytest.mark.parametrize("moment", MOMENTS)
def test_recover_after_kill_9_while_it_starts(start: Start, moment: str) -> None:
    begun = start(*UP)
    begun.wait_until(lambda: MOMENTS[moment](begun), moment)
    run_id = begun.run_id
    begun.end_by(signal.SIGKILL)
    recovered(run_id)


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_twice_while_it_starts(start: Start, moment: str) -> None:
    begun = start(*UP)
    begun.wait_until(lambda: MOMENTS[moment](begun), moment)
    assert begun.interrupt_twice() == 128 + signal.SIGINT, begun.printed


@pytest.fixture
def builds(start: Start, make_target: MakeTarget) -> Begun:
    """A run that waits for a build which does not end."""
    target = make_target()
    assert target.build
    dockerfile = Path(target.build.context) / "Dockerfile"
    dockerfile.write_text(f"{DOCKERFILE}RUN sleep 300\n", encoding="ascii")
    begun = start("up", "--target", str(target.file))

    def is_under_way() -> bool:
        return any("sleep 300" in each.read_text() for each in build_logs(begun.run_id))

    begun.wait_until(is_under_way, "build that is under way")
    return begun


def build_logs(run_id: str) -> list[Path]:
    logs = [base / f"shakedown-{run_id}" / "logs" / "main" / "build.log" for base in run_bases()]
    return [log for log in logs if run_id and log.exists()]


def test_ctrl_c_does_not_wait_for_the_end_of_a_build(builds: Begun) -> None:
    assert builds.end_by(signal.SIGINT) == 128 + signal.SIGINT, builds.printed


def test_recover_after_kill_9_while_an_image_is_built(builds: Begun) -> None:
    run_id = builds.run_id
    builds.end_by(signal.SIGKILL)
    assert f"network shakedown-{run_id}-net" in recovered(run_id)


def test_ctrl_c_twice_while_checks_have_systems_of_their_own(start: Start) -> None:
    begun = start(*DRILLS)
    begun.wait_until(lambda: begun.has_container("own-"), "a check has a system of its own")
    assert begun.interrupt_twice() == 128 + signal.SIGINT, begun.printed


def test_recover_after_kill_9_while_checks_have_systems_of_their_own(start: Start) -> None:
    begun = start(*DRILLS)
    begun.wait_until(lambda: begun.has_container("own-"), "a check has a system of its own")
    run_id = begun.run_id
    begun.end_by(signal.SIGKILL)
    assert "own-" in recovered(run_id)
