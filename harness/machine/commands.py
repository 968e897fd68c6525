"""Running a command line: bounded in time and output, ended with its whole process tree."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO

from harness.machine import processes
from harness.machine.processes import Process
from harness.waiting import becomes_true

KEPT_BYTES = 16 * 1024
"""Of what a command prints, the end is kept: it says why the command failed."""

_POLL_S = 0.005


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """A command that has ended, or was ended."""

    argv: tuple[str, ...]
    exit_code: int | None
    """None when it did not end by itself, or could not be started."""
    output: str
    """The end of what it printed, both streams unless `errors` was asked for."""
    seconds: float
    why: str = ""
    """Why there is no exit code."""
    errors: str = ""
    """The end of its standard error, where that was asked for."""

    @property
    def is_ok(self) -> bool:
        """Whether it ended by itself with 0."""
        return self.exit_code == 0

    def describe(self) -> str:
        """Say what was run and how it ended; the output may hold secrets."""
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
    errors_apart: bool = False,
) -> CommandResult:
    """Run a program without a shell, in a session of its own; never raises for what it does.

    At `timeout_s`, as soon as `is_over()`, and when we are canceled, it is killed with everything
    it has started. What it leaves running when it ends by itself is left alone.
    """
    began = time.monotonic()
    # A file and not a pipe: a child that outlives the command would hold a pipe open.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            child = _start(argv, environment, output, errors if errors_apart else None)
        except (OSError, ValueError) as error:
            return _ended(argv, None, output, began, f"could not be started ({error})")
        if process := Process.of(child.pid):
            on_start(process)
        why = await wait_for_end(child, timeout_s, is_over)
        exit_code = None if why else child.returncode
        done = _ended(argv, exit_code, output, began, f"{why} and was killed" if why else "")
        return replace(done, errors=_end_of(errors))


async def wait_for_end(
    child: subprocess.Popen[bytes], within_s: float, is_over: Callable[[], bool] = lambda: False
) -> str:
    """Wait until a child has ended by itself; return why it did not, or nothing.

    It is killed with its process tree at the deadline, as soon as `is_over()`, and when we are
    canceled: it has ended in any case.
    """
    try:
        if not await becomes_true(
            lambda: child.poll() is not None or is_over(), within_s, poll_s=_POLL_S
        ):
            return f"did not end within {within_s:g} s"
        return "was no longer needed" if child.poll() is None else ""
    finally:
        if child.poll() is None:
            if process := Process.of(child.pid):
                processes.kill_tree(process)
            child.wait()


def _start(
    argv: Sequence[str],
    environment: Mapping[str, str] | None,
    output: IO[bytes],
    errors: IO[bytes] | None,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors or subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )


def _ended(
    argv: Sequence[str], exit_code: int | None, output: IO[bytes], began: float, why: str = ""
) -> CommandResult:
    return CommandResult(
        argv=tuple(argv),
        exit_code=exit_code,
        output=_end_of(output),
        seconds=time.monotonic() - began,
        why=why,
    )


def _end_of(output: IO[bytes]) -> str:
    size = output.seek(0, 2)
    output.seek(max(0, size - KEPT_BYTES))
    return output.read(KEPT_BYTES).decode("utf-8", "replace")
