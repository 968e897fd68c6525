"""Runs locust, headless, in a process group of its own: checks must not import it."""

import contextlib
import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import Inconclusive
from harness.history import HistoryReader, Operation
from harness.history.entries import Writer
from harness.machine.journal import Journal
from harness.machine.processes import RUN_MARKER, Process
from harness.redaction.redactor import Redactor
from harness.target.contract.dialect import Contract
from harness.waiting import becomes_true
from load.users.environment import locust_environment

LOCUSTFILE = Path(__file__).with_name("locustfile.py")

START_S = 15.0
"""How long locust may take to be imported on a loaded machine."""

FINISH_S = 10.0
"""How long users may take to finish the round that they are in when the time is over."""

MOST_MEMORY_BYTES = 2 * 1024**3
"""For locust: its users keep whole bodies, and a backend may send headers without end."""

_POLL_S = 0.05
_LAST_LINES = 12


@dataclass(frozen=True, kw_only=True)
class LocustRun:
    """A run of locust that ended by itself."""

    exit_code: int
    """0, or 1 when a request of a user failed."""
    operations: tuple[Operation, ...]
    """What its users did, from the history."""
    output: Path
    """Everything it printed."""
    last_lines: str
    """The end of what it printed, for messages."""


async def run_locust(
    *,
    base_urls: Sequence[str],
    tokens: Mapping[str, str],
    users: int,
    at_most_s: int,
    is_enough: Callable[[Iterable[Operation]], bool],
    organizations: Mapping[str, str] | None = None,
    directory: Path,
    history: Path,
    drill: str = "",
    journal: Journal,
    contract: Contract | None = None,
    secrets: Iterable[str] = (),
    created: Path | None = None,
    failures: Path | None = None,
    export_wait_s: float | None = None,
    logs: Sequence[Path] = (),
    finish_s: float = FINISH_S,
) -> LocustRun:
    """Run users of these organizations (name and token; name and id) against the instances.

    They go on until what they did `is_enough`, which is given what is new each time; then they
    finish the round that they are in, for which they have `finish_s`. They wait for an export for
    `export_wait_s`, 30 unless said. They use the dialect of `contract`, and append to `history`
    what belongs to `drill`. Locust's own files stay in `directory`,
    without `secrets`. What users create is appended to `created`, each with the name of the
    organization that created it (`RunMark.adopt`). The first requests that fail are appended to
    `failures`, with what the instances log meanwhile (`logs`, in the order of `base_urls`).
    `Inconclusive` when locust cannot start, hangs, or ends by itself with anything but 0 or 1.
    Nothing of it runs afterwards, also after an error.
    """
    home = _absolute(directory)  # the working directory of locust
    output = home / "locust.log"
    users_run = f"load-{os.urandom(4).hex()}"
    done = OperationsOf(users_run, history)
    command = [
        sys.executable, "-P", "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless",
        "--users", str(users), "--spawn-rate", str(users), "--run-time", f"{at_most_s}s",
        "--stop-timeout", f"{math.ceil(finish_s)}s", "--only-summary",
        "--json-file", str(home / "locust"),
    ]  # fmt: skip
    environment = locust_environment(
        os.environ,
        base_urls=base_urls,
        tokens=tokens,
        organizations=organizations,
        home=home,
        history=_absolute(history),
        history_run=users_run,
        history_drill=drill,
        created=created and _absolute(created),
        failures=failures and _absolute(failures),
        contract=contract,
        export_wait_s=export_wait_s,
        logs=[_absolute(each) for each in logs],
    )
    exit_code = await _run(
        command,
        environment | {RUN_MARKER: journal.run_id},
        output,
        journal,
        is_over=lambda: is_enough(done.new()),
        deadline_s=START_S + at_most_s + finish_s,
    )
    _redact_files(home, Redactor([*secrets, *tokens.values()]))
    last_lines = _tail(output)
    if exit_code is None:
        raise Inconclusive(
            f"locust was not done {START_S + finish_s:g} s after its {at_most_s} s; "
            f"its last log lines:\n{last_lines}"
        )
    done.new()
    operations = tuple(done.all)
    if exit_code not in {0, 1} or not operations:
        raise Inconclusive(
            f"locust itself failed (exit code {exit_code}, {len(operations)} lines of history); "
            f"its last log lines:\n{last_lines}"
        )
    return LocustRun(
        exit_code=exit_code, operations=operations, output=output, last_lines=last_lines
    )


class OperationsOf:
    """What the processes of one run did, read from a history that they still write to."""

    def __init__(self, run: str, history: Path) -> None:
        self.all: list[Operation] = []
        self._run = run
        self._writers: set[str] = set()
        self._reader = HistoryReader(history)

    def new(self) -> list[Operation]:
        """Give what was written since the last time."""
        found = []
        for entry in self._reader.new():
            if type(entry) is Writer and entry.run == self._run:
                self._writers.add(entry.writer)
            elif type(entry) is Operation and entry.writer in self._writers:
                found.append(entry)
        self.all += found
        return found


async def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: Path,
    journal: Journal,
    *,
    is_over: Callable[[], bool],
    deadline_s: float,
) -> int | None:
    """Run locust until it ends, by itself or because `is_over` says so.

    Gives its exit code, None when it had to be killed at the deadline.
    """
    entry = journal.note("process", what="locust")
    child = _start(command, environment, output)
    try:
        process = Process.of(child.pid)
        journal.amend(entry, pid=child.pid, started=process.started if process else "")
        is_finishing = False

        def is_done() -> bool:
            nonlocal is_finishing
            if not is_finishing and is_over():
                child.terminate()  # locust finishes its rounds then
                is_finishing = True
            return child.poll() is not None

        await becomes_true(is_done, deadline_s, poll_s=_POLL_S)
        return child.poll()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        journal.undone(entry)


def _start(
    command: Sequence[str], environment: Mapping[str, str], output: Path
) -> subprocess.Popen[bytes]:
    with output.open("wb") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=output.parent,
            env=environment,
            start_new_session=True,
        )
    if sys.platform == "linux":  # elsewhere there is no way to limit a process from outside
        _, most = resource.prlimit(child.pid, resource.RLIMIT_DATA)
        resource.prlimit(child.pid, resource.RLIMIT_DATA, (MOST_MEMORY_BYTES, most))
    return child


def _absolute(path: Path) -> Path:
    return Path.cwd() / path


def _redact_files(home: Path, redact: Redactor) -> None:
    """Remove secrets: what locust writes quotes the backend, and stays in the report."""
    for file in (home / "locust.log", *home.glob("locust*.json")):
        text = file.read_text(encoding="utf-8", errors="replace")
        file.write_text(redact(text), encoding="utf-8")


def _tail(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "\n".join(lines[-_LAST_LINES:]) or "(it printed nothing)"
