"""Runs `shakedown` with containers as its users do: as a process, in a group of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.containers.engine import Engine
from harness.containers.labels import RUN
from harness.containers.leftovers import runs_in

BEGINS_WITHIN_S = 120.0
ENDS_WITHIN_S = 90.0
_POLL_S = 0.02


def shakedown(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        capture_output=True, text=True, timeout=ENDS_WITHIN_S, check=False,
    )  # fmt: skip


class Begun:
    """A command that has been started and makes things in the engine."""

    def __init__(
        self, engine: Engine, output: Path, words: tuple[str, ...], environment: Mapping[str, str]
    ) -> None:
        self._engine = engine
        self._output = output
        with output.open("wb") as file:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "harness", *words],
                env={**os.environ, **environment},
                stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def printed(self) -> str:
        return self._output.read_text(encoding="utf-8")

    @property
    def run_id(self) -> str:
        """The id of its run; empty as long as nothing in the engine carries it."""
        ours = f"{self._child.pid}-"
        found = [run for run in runs_in(self._engine, os.geteuid()) if run.startswith(ours)]
        return found[0] if found else ""

    def containers(self) -> frozenset[str]:
        """Give the names of its containers without what all of a run's begin with."""
        run_id = self.run_id
        found = self._engine.client.api.containers(
            all=True, filters={"label": f"{RUN}={run_id or 'none'}"}
        )
        prefix = f"/shakedown-{run_id}-"
        return frozenset(each["Names"][0].removeprefix(prefix) for each in found)

    def has_container(self, part: str) -> bool:
        """Say whether one is there in whose name this stands."""
        return any(part in name for name in self.containers())

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        until = time.monotonic() + BEGINS_WITHIN_S
        while not condition():
            assert self._child.poll() is None, f"ended before {what}:\n{self.printed}"
            assert time.monotonic() < until, f"no {what}:\n{self.printed}"
            time.sleep(_POLL_S)

    def wait_until_up(self) -> None:
        """Wait until `shakedown up` has brought all of it up."""
        self.wait_until(lambda: "Ctrl-C takes it down" in self.printed, "system that is up")

    def end_by(self, number: signal.Signals) -> int:
        """Send a signal to the command alone, and wait for its end."""
        self._child.send_signal(number)
        return self._child.wait(ENDS_WITHIN_S)

    def interrupt_twice(self) -> int:
        """Press Ctrl-C, and again once it has been heard, as a terminal has it: to the group."""
        os.killpg(self._child.pid, signal.SIGINT)
        self.wait_until_heard()
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGINT)
        return self._child.wait(ENDS_WITHIN_S)

    def wait_until_heard(self) -> None:
        """Wait until no SIGINT waits any more to be taken."""
        until = time.monotonic() + BEGINS_WITHIN_S
        while self._child.poll() is None and time.monotonic() < until:
            status = Path(f"/proc/{self._child.pid}/status").read_text(encoding="ascii")
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            if not int(fields["ShdPnd"], 16) & 1 << (signal.SIGINT - 1):
                return
            time.sleep(_POLL_S)


@contextmanager
def beginning(engine: Engine, output: Path, *words: str, **environment: str) -> Iterator[Begun]:
    """Start a command; however the test goes, it has ended afterwards."""
    begun = Begun(engine, output, words, environment)
    try:
        yield begun
    finally:
        if begun._child.poll() is None:
            begun.end_by(signal.SIGTERM)
