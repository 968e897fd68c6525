"""`shakedown up` prints what the existing client needs; Ctrl-C leaves nothing of it."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.integration

CLIENT = Path(__file__).with_name("client.py")
BRING_UP_DEADLINE_S = 60


class Up:
    """`shakedown up` as a process, with the environment that it printed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness", "up"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.environment: dict[str, str] = {}

    def read_environment(self) -> None:
        """Read `export NAME=value` lines up to the last; at the deadline the process dies."""
        watchdog = threading.Timer(BRING_UP_DEADLINE_S, self.process.kill)
        watchdog.start()
        try:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                if line.startswith("export "):
                    name, _, value = line.removeprefix("export ").strip().partition("=")
                    self.environment[name] = shlex.split(value)[0]
                if {"JOB_ID_ORG_B", "JOB_ID", "BACKEND_URL"} <= self.environment.keys():
                    return
        finally:
            watchdog.cancel()
        assert self.process.stderr is not None
        raise AssertionError(f"up ended with {self.process.wait()}: {self.process.stderr.read()}")

    def interrupt(self) -> int:
        """Ctrl-C, and its exit code."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def up() -> Iterator[Up]:
    system = Up()
    try:
        system.read_environment()
        yield system
    finally:
        if system.process.poll() is None:
            system.interrupt()


def run_client(environment: dict[str, str]) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, str(CLIENT)],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen: dict[str, object] = json.loads(done.stdout)
    return seen


def test_the_existing_client_goes_through_and_nothing_is_left(up: Up) -> None:
    told = up.environment
    seen = run_client({name: told[name] for name in ("BACKEND_URL", "JWT_TOKEN", "JOB_ID")})
    assert seen == {
        "upload": 201,
        "right_digest": True,
        "replay": 201,
        "replayed": "true",
        "same": True,
        "state": "ready",
        "files_match": True,
        "verdict": {"manifest_valid": True, "export_match": True, "ledger_match": True},
    }
    for side in "AB":
        tenant = {"JWT_TOKEN": told[f"JWT_ORG_{side}"], "JOB_ID": told[f"JOB_ID_ORG_{side}"]}
        assert run_client({"BACKEND_URL": told["BACKEND_URL"], **tenant})["state"] == "ready"

    children = psutil.Process(up.process.pid).children(recursive=True)
    assert len(children) >= 6  # PostgreSQL, three API instances, two workers
    assert up.interrupt() in (0, 130)
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert len(gone) == len(children)
