"""Running somebody's command line: bounded in time and output, ended with all its children."""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from harness.machine import processes
from harness.machine.processes import Process

KEPT_BYTES = 16 * 1024
"""Of what a command prints, the end is kept: it is what tells why it failed."""

_POLL_S = 0.02


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """A command that has ended, or was ended."""

    argv: tuple[str, ...]
    exit_code: int | None
    """None when it did not end by itself, or could not be started."""
    output: str
    """The end of what it printed, both streams."""
    seconds: float
    why: str = ""
    """Why there is no exit code."""

    @property
    def is_ok(self) -> bool:
        """Whether it ended by itself with 0."""
        return self.exit_code == 0

    def describe(self) -> str:
        """Say what was run and what came of it; the output may hold secrets."""
        how = self.why or f"ended with {self.exit_code}"
        printed = self.output.strip() or "(it printed nothing)"
        return f"{list(self.argv)} {how} after {self.seconds:.1f} s:\n{printed}"


async def run_command(
    argv: Sequence[str],
    *,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    is_over: Callable[[], bool] = lambda: False,
    on_start: Callable[[Process], None] = lambda _: None,
) -> CommandResult:
    """Run a program without a shell, in a session of its own; never raises for what it does.

    At `timeout_s`, as soon as `is_over()`, and when we are cancelled, it is killed with everything
    it has started. What it leaves running when it ends by itself is left alone.
    """
    began = time.monotonic()
    # A file and not a pipe: a child that outlives the command would hold a pipe open.
    with tempfile.TemporaryFile() as output:
        try:
            child = _start(argv, environment, output)
        except (OSError, ValueError) as error:
            return _ended(argv, None, output, began, f"could not be started ({error})")
        try:
            if process := Process.of(child.pid):
                on_start(process)
            while child.poll() is None:
                if time.monotonic() - began > timeout_s:
                    why = f"did not end within {timeout_s:g} s and was killed"
                    return _ended(argv, None, output, began, why)
                if is_over():
                    return _ended(argv, None, output, began, "was killed, as it was no use")
                await asyncio.sleep(_POLL_S)
            return _ended(argv, child.returncode, output, began)
        finally:
            if child.poll() is None:
                _kill(child)


def _start(
    argv: Sequence[str], environment: Mapping[str, str] | None, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )


def _kill(child: subprocess.Popen[bytes]) -> None:
    if process := Process.of(child.pid):
        processes.kill_tree(process)
    child.wait()


def _ended(
    argv: Sequence[str], exit_code: int | None, output: IO[bytes], began: float, why: str = ""
) -> CommandResult:
    size = output.seek(0, 2)
    output.seek(max(0, size - KEPT_BYTES))
    return CommandResult(
        argv=tuple(argv),
        exit_code=exit_code,
        output=output.read(KEPT_BYTES).decode("utf-8", "replace"),
        seconds=time.monotonic() - began,
        why=why,
    )
