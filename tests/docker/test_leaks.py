"""Whatever happens to a run, the engine afterwards holds what it held before."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.containers.engine import Engine
from harness.containers.remains import runs_in
from harness.places import run_bases

from .conftest import Held, containers_of

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

BEGINS_WITHIN_S = 90.0


@pytest.fixture
def begun(engine: Engine, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start `shakedown up --driver docker` and wait until all of it runs."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        output = tmp_path / f"up-{len(started)}.txt"
        words = ["up", "--driver", "docker", "--instances", "2", "--workers", "1"]
        with output.open("wb") as file:
            child = subprocess.Popen(
                [sys.executable, "-m", "harness", *words], stdout=file, stderr=subprocess.STDOUT
            )
        started.append(child)
        until = time.monotonic() + BEGINS_WITHIN_S
        while "Ctrl-C takes it down" not in output.read_text(encoding="utf-8"):
            assert child.poll() is None, output.read_text(encoding="utf-8")
            assert time.monotonic() < until, output.read_text(encoding="utf-8")
            time.sleep(0.05)
        return child

    yield begin
    for child in started:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            child.wait(60)


def shakedown(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def run_of(engine: Engine, child: subprocess.Popen[bytes]) -> str:
    (run_id,) = [run_id for run_id in runs_in(engine, os.geteuid()) if owned_by(run_id, child)]
    return run_id


def owned_by(run_id: str, child: subprocess.Popen[bytes]) -> bool:
    return run_id.partition("-")[0] == str(child.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(
    engine: Engine, begun: Callable[[], subprocess.Popen[bytes]], number: signal.Signals
) -> None:
    before = Held.by(engine)
    child = begun()
    assert len(containers_of(engine, run_of(engine, child))) == 4
    child.send_signal(number)
    child.wait(60)
    before.expect_no_more(engine)


@pytest.mark.parametrize("with_directory", [True, False])
def test_recover_after_kill_9(
    engine: Engine, begun: Callable[[], subprocess.Popen[bytes]], *, with_directory: bool
) -> None:
    before = Held.by(engine)
    child = begun()
    run_id = run_of(engine, child)
    child.kill()
    child.wait()
    if not with_directory:
        for base in run_bases():
            shutil.rmtree(base / f"shakedown-{run_id}", ignore_errors=True)
    done = shakedown("recover")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"healed run {run_id}: " in done.stdout
    assert f"container shakedown-{run_id}-postgres" in done.stdout
    before.expect_no_more(engine)
    assert f"healed run {run_id}" not in shakedown("recover").stdout


def test_recover_leaves_a_living_run_alone(
    engine: Engine, begun: Callable[[], subprocess.Popen[bytes]]
) -> None:
    child = begun()
    run_id = run_of(engine, child)
    before = containers_of(engine, run_id)
    assert len(before) == 4
    done = shakedown("recover")
    assert f"left run {run_id} alone: it still goes on" in done.stdout
    assert containers_of(engine, run_id) == before


def test_recover_removes_what_is_frozen(
    engine: Engine, begun: Callable[[], subprocess.Popen[bytes]]
) -> None:
    before = Held.by(engine)
    child = begun()
    run_id = run_of(engine, child)
    engine.client.api.pause(f"shakedown-{run_id}-main-worker-1")
    engine.client.api.pause(f"shakedown-{run_id}-postgres")
    child.kill()
    child.wait()
    assert shakedown("recover").returncode == 0
    before.expect_no_more(engine)
