"""Runs the `shakedown` command as its users do: as a process, in a folder with own checks."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.warm import run_shakedown

SECRET = "marked-secret-5f1e"
DEADLINE_S = 120

_MARK = "SHAKEDOWN_TEST_FOLDER"
"""In the environment of the command; whatever it starts inherits it."""

TARGET = """
name = "standin"

[api]
command = ["{{python}}", "{standin}", "{{host}}", "{{port}}"]
instances = 1
ready_timeout_s = {ready_timeout_s}

[api.environment]
SECRET = "{{jwt_secret}}"
BEHAVIOR = "{behavior}"

[tokens.mint]
secret = "{secret}"
claims = {{ sub = "{{user}}" }}
"""

HEADER = """
import asyncio
import os
import time

import pytest

from harness.check import check
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect
from harness.target import Capability

"""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that has ended, and what it left behind."""

    code: int
    stdout: str
    stderr: str
    folder: Path

    @property
    def results(self) -> dict[str, Any]:
        path = self.folder / "out" / "results.json"
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return loaded

    @property
    def verdicts(self) -> dict[str, str]:
        return {check["id"]: check["verdict"] for check in self.results["checks"]}

    def message(self, check_id: str) -> str:
        (found,) = [each for each in self.results["checks"] if each["id"] == check_id]
        return str(found["message"])


class Workplace:
    """A folder with a target file and checks, and the command run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []
        self._pids: list[int] = []
        self.target()

    def target(self, behavior: str = "", ready_timeout_s: float = 10) -> None:
        """Write the target file, of a backend that behaves well or not."""
        text = TARGET.format(
            standin=Path(__file__).with_name("standin.py"),
            secret=SECRET,
            behavior=behavior,
            ready_timeout_s=ready_timeout_s,
        )
        (self.folder / "shakedown.toml").write_text(text, encoding="utf-8")

    def checks(self, source: str, name: str = "check_own.py") -> None:
        """Write a file of checks."""
        path = self.folder / "checks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER + textwrap.dedent(source), encoding="utf-8")

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start the command; its temporary files go to the folder, where a test can look."""
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            cwd=self.folder,
            env=self._environment(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        self._pids.append(process.pid)
        return process

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        temp = self.folder / "temp"
        temp.mkdir(exist_ok=True)
        names = ("PATH", "HOME", "PYTHONPATH")  # the last: a checkout that is not installed
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return {**kept, "TMPDIR": str(temp), _MARK: str(self.folder), **more}

    def finish(self, process: subprocess.Popen[str], typed: str = "") -> Finished:
        """Wait for the command's end."""
        try:
            stdout, stderr = process.communicate(typed, timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=DEADLINE_S)
            pytest.fail(f"not done after {DEADLINE_S} s\n{stdout}\n{stderr}")
        return Finished(code=process.returncode, stdout=stdout, stderr=stderr, folder=self.folder)

    def shakedown(self, *words: str, typed: str = "", **environment: str) -> Finished:
        """Run the command to its end."""
        done = run_shakedown(
            words,
            cwd=self.folder,
            env=self._environment(environment),
            typed=typed,
            deadline_s=DEADLINE_S,
        )
        self._pids.append(done.pid)
        return Finished(code=done.code, stdout=done.stdout, stderr=done.stderr, folder=self.folder)

    def gate(self, *words: str, typed: str = "", **environment: str) -> Finished:
        """Run `shakedown run` on the checks of this folder."""
        return self.shakedown(*self.gate_words(*words), typed=typed, **environment)

    def gate_words(self, *words: str) -> list[str]:
        """Give the command line that `gate` uses."""
        fixed = ["--target", "shakedown.toml", "--no-built-in", "--out", "out", "checks"]
        return ["run", *fixed, *words]

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Poll until something has happened."""
        until = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < until, f"{what}: not after {DEADLINE_S} s"
            time.sleep(0.02)

    def close(self) -> None:
        """End what a failed test did not wait for."""
        for process in self._started:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=DEADLINE_S)

    def leftovers(self) -> list[str]:
        """Name what is still there of runs: files, and processes that carry our mark."""
        mark = f"{_MARK}={self.folder}".encode()
        running = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in environ.read_bytes().split(b"\0"):
                    running.append(environ.parent.name)
            except OSError:
                continue  # ended, or not ours to look at
        temporary = [str(path) for path in (self.folder / "temp").iterdir()]
        return [*running, *{*self.run_directories(), *temporary}]

    def run_directories(self) -> list[str]:
        """Name the directories of our runs: root's are not in our temp dir, closed to others."""
        return [
            str(path)
            for base in (Path(tempfile.gettempdir()), self.folder / "temp")
            for pid in self._pids
            for path in base.glob(f"*shakedown-{pid}-*")
        ]


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    place = Workplace(tmp_path)
    yield place
    place.close()


@pytest.fixture(scope="module")
def shared_workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """For tests that look at one run from several sides."""
    return Workplace(tmp_path_factory.mktemp("workplace"))
