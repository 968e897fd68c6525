"""`shakedown run` and `drill` against a running system: permission, drill, and a killed harness."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import Misconfigured
from harness.machine.directories import run_dirs
from harness.machine.processes import Process
from harness.system import System
from tests.chaos.staging.conftest import Staging
from tests.warm import run_shakedown

pytestmark = [pytest.mark.integration, pytest.mark.timeout(170)]

SHAKEDOWN = (sys.executable, "-m", "harness")
DEADLINE_S = 120
LATE = 'proof = ["{python}", "-c", "raise SystemExit(1)"]\nhold_s = 60\ntimeout_s = 60\n'
"""A fault whose proof never comes: a drill that stands still with the fault in place."""


def words(file: Path, out: Path, *more: str) -> list[str]:
    return [*SHAKEDOWN, "run", "--only", "chaos.staging-fault", *aimed(file, out), *more]


def drill_words(file: Path, out: Path, *more: str) -> list[str]:
    return [*SHAKEDOWN, "drill", "staging-fault", *aimed(file, out), *more]


def aimed(file: Path, out: Path) -> list[str]:
    return ["--target", str(file), "--seed", "7", "--out", str(out)]


def shakedown(folder: Path, argv: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(folder)}
    environment.pop("REFERENCE_BACKEND_DEFECT", None)
    done = run_shakedown(argv[len(SHAKEDOWN) :], cwd=folder, env=environment, deadline_s=DEADLINE_S)
    return subprocess.CompletedProcess(argv, done.code, done.stdout, done.stderr)


def check_of(out: Path) -> dict[str, Any]:
    (found,) = json.loads((out / "results.json").read_text(encoding="utf-8"))["checks"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


@pytest.mark.parametrize("command", [words, drill_words])
def test_nothing_is_harmed_without_the_option(
    staging: Staging, place: Path, command: Callable[..., list[str]]
) -> None:
    file = staging.write(staging.fault("kill", "kill", "nothing"))
    finished = shakedown(place, command(file, place / "out"))
    assert finished.returncode == 2, finished.stdout + finished.stderr
    assert "does not offer: faults, load" in check_of(place / "out")["message"]
    assert staging.log() == []


def test_nothing_is_harmed_without_the_list(staging: Staging, place: Path) -> None:
    file = staging.write(staging.fault("kill", "kill", "nothing"))
    text = file.read_text(encoding="utf-8").replace('["127.0.0.1"]', "[]")
    file.write_text(text, encoding="utf-8")
    finished = shakedown(place, words(file, place / "out", "--allow-faults"))
    assert finished.returncode == 2, finished.stdout + finished.stderr
    assert staging.log() == []


def test_another_name_for_the_same_address_is_another_host(staging: Staging, place: Path) -> None:
    file = staging.write(staging.fault("kill", "kill", "nothing"))
    text = file.read_text(encoding="utf-8").replace("http://127.0.0.1:", "http://localhost:")
    file.write_text(text, encoding="utf-8")
    finished = shakedown(place, words(file, place / "out", "--allow-faults"))
    assert finished.returncode == 2, finished.stdout + finished.stderr
    assert staging.log() == []


@pytest.mark.parametrize(("command", "processes"), [(words, "1"), (drill_words, "2")])
def test_a_declared_fault_is_survived(
    staging: Staging, place: Path, command: Callable[..., list[str]], processes: str
) -> None:
    file = staging.write(staging.fault("kill", "kill", "nothing", "hold_s = 0.5\n"))
    argv = command(file, place / "out", "--allow-faults", "-n", processes)
    finished = shakedown(place, argv)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert check_of(place / "out")["observations"] >= 1
    assert staging.log() == ["kill worker-1", "is-dead worker-1", "nothing worker-1"]
    commands = place / "out" / "checks" / "chaos.staging-fault" / "commands.log"
    assert "ended with 0" in commands.read_text(encoding="utf-8")
    assert (place / "out" / "history.jsonl").stat().st_size


def in_mid_fault(staging: Staging, place: Path) -> subprocess.Popen[bytes]:
    """Start a run, and come back when its fault is in place."""
    file = staging.write(staging.fault("pause", "pause", "resume", LATE))
    child = subprocess.Popen(
        words(file, place / "out", "--allow-faults"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(place)},
        cwd=place,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not is_paused(staging):
        assert child.poll() is None, "the run ended before its fault was in place"
        assert time.monotonic() < until, "the fault was not in place within 60 s"
        time.sleep(0.05)
    return child


def is_paused(staging: Staging) -> bool:
    pid = int((staging.folder / "worker-1.pid").read_text(encoding="utf-8"))
    process = Process.of(pid)
    return process is not None and process.is_stopped()


def left_of(child: subprocess.Popen[bytes]) -> list[Path]:
    """The directories of a run; its id begins with the number of the process that began it."""
    return [path for path in run_dirs() if f"shakedown-{child.pid}-" in path.name]


def test_after_a_kill_recover_undoes_the_fault(staging: Staging, place: Path) -> None:
    child = in_mid_fault(staging, place)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert is_paused(staging)
    assert left_of(child)
    healed = shakedown(place, [*SHAKEDOWN, "recover"])
    # Not the exit code: other runs may have left what cannot be healed now, such as containers.
    assert "undid pause of worker-1" in healed.stdout
    assert str(staging.folder) not in healed.stderr
    assert not is_paused(staging)
    assert left_of(child) == []


def test_an_interruption_undoes_the_fault(staging: Staging, place: Path) -> None:
    child = in_mid_fault(staging, place)
    child.send_signal(signal.SIGINT)
    assert child.wait(60) == 130
    assert not is_paused(staging)
    assert left_of(child) == []


def test_another_process_of_the_run_refuses_a_file_that_has_changed(
    staging: Staging,
) -> None:
    description = staging.system.describe()
    file = description.origin.file
    assert file is not None
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "# changed\n", encoding="utf-8")
    try:
        with pytest.raises(Misconfigured, match="has changed since the run began"):
            System.attach(description)
    finally:
        file.write_text(text, encoding="utf-8")


def test_what_was_made_is_listed_and_what_cannot_be_removed_is_told(
    staging: Staging, place: Path
) -> None:
    argv = [*SHAKEDOWN, "run", "--target", str(staging.write("")), "--only", "golden.upload"]
    finished = shakedown(place, [*argv, "--seed", "7", "--out", str(place / "out"), "--cleanup"])
    assert finished.returncode == 0, finished.stdout + finished.stderr
    listed = (place / "out" / "created.jsonl").read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in listed]
    (run_id,) = {line["run"] for line in lines}
    assert {line["kind"] for line in lines} >= {"job", "evidence"}
    assert f"run {run_id} made " in finished.stderr
    assert "removed 0 and left " in finished.stderr


def test_cleaning_up_after_a_system_of_our_own_is_refused(place: Path) -> None:
    finished = shakedown(place, [*SHAKEDOWN, "run", "--cleanup", "--only", "golden.upload"])
    assert finished.returncode == 3
    assert '--cleanup is for driver = "external"' in finished.stderr
