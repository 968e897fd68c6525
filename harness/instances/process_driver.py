"""The backend's programs as processes on this machine."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import Misconfigured
from harness.instances.description import Instance, Role
from harness.instances.handle import InstanceHandle
from harness.instances.plan import Plan
from harness.instances.process_handle import ProcessHandle
from harness.machine import processes
from harness.machine.journal import Journal
from harness.machine.logs import describe_end
from harness.machine.ports import LOOPBACK
from harness.machine.processes import RUN_MARKER, Process
from harness.target.models import Migrate

_POLL_S = 0.005


class ProcessDriver:
    """Starts each instance in a session of its own, so that its children can be found."""

    images: Mapping[str, str] = {}
    harness_host: str | None = LOOPBACK

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def values(self, database_url: str | None, storage_dir: Path | None) -> dict[str, str]:
        """Processes see what the harness sees."""
        seen = {"database_url": database_url, "storage_dir": storage_dir}
        return {name: str(value) for name, value in seen.items() if value is not None}

    async def prepare(self, plan: Plan) -> None:
        """Nothing: the directories of the system are enough."""

    async def start(
        self, plan: Plan, name: str, role: Role, extra: Mapping[str, str], port: int
    ) -> ProcessHandle:
        """Start an instance's process; it is in the journal before it is."""
        table = plan.table(role)
        values = {**plan.values, "port": str(port), "instance": name}
        command = plan.target.expand_command(table.command or (), values)
        environment = plan.target.expand_environment(table.environment, values)
        log_path = plan.log_path(name)
        entry = self._journal.note("process", what=name)
        try:
            child = _spawn(plan, command, {**environment, **extra}, log_path)
        except OSError as error:
            self._journal.undone(entry)
            raise Misconfigured(_cannot_start(f"{role}.command", command, error)) from error
        process = Process.of(child.pid)
        started = process.started if process else ""
        self._journal.amend(entry, pid=child.pid, started=started)
        instance = Instance(
            name=name,
            role=role,
            base_url=f"http://{LOOPBACK}:{port}",
            log_path=log_path,
            pid=child.pid,
            started=started,
            environment=dict(extra),
        )
        return ProcessHandle(instance=instance, journal=self._journal, entry=entry, child=child)

    def attach(self, instance: Instance) -> ProcessHandle:
        """Control a process that another process of the run has started."""
        return ProcessHandle(instance=instance, journal=self._journal)

    async def run_to_end(self, plan: Plan, program: Migrate, log_path: Path) -> str:
        """Run a program as a process; whatever it leaves running goes with it if it fails."""
        command = plan.target.expand_command(program.command or (), plan.values)
        environment = plan.target.expand_environment(program.environment, plan.values)
        entry = self._journal.note("process", what="migrate")
        try:
            child = _spawn(plan, command, environment, log_path)
        except OSError as error:
            self._journal.undone(entry)
            key = "database.migrate.command"
            raise Misconfigured(_cannot_start(key, command, error)) from error
        process = Process.of(child.pid)
        self._journal.amend(entry, pid=child.pid, started=process.started if process else "")
        problem = ""
        end = time.monotonic() + program.timeout_s
        try:
            while (code := child.poll()) is None:
                if time.monotonic() > end:
                    problem = f"did not end within {program.timeout_s:g} s"
                    break
                await asyncio.sleep(_POLL_S)
            if code:
                problem = describe_end(code)
        finally:
            # Whatever it left running would keep the database busy.
            if process is not None and (child.poll() is None or problem):
                processes.kill_tree(process)
            child.wait()
            self._journal.undone(entry)
        return problem

    def end_all(self, running: Sequence[InstanceHandle]) -> None:
        """SIGKILL all at once, then wait for each."""
        ours = (one.process for one in running if isinstance(one, ProcessHandle))
        processes.send(ours, signal.SIGKILL)
        for one in running:
            one.end()

    def clear(self, plan: Plan) -> None:
        """Nothing: the directories of a system are the system's own."""


def _spawn(
    plan: Plan, command: tuple[str, ...], environment: Mapping[str, str], log_path: Path
) -> subprocess.Popen[bytes]:
    with log_path.open("ab") as log:
        return subprocess.Popen(  # starting it blocks for 2 ms
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=plan.directory,
            env=_environment(plan, environment),
            start_new_session=True,
        )


def _environment(plan: Plan, extra: Mapping[str, str]) -> dict[str, str]:
    """Give what a program of the target gets: ours, the run's mark, and `extra`."""
    inherited = dict(os.environ)
    if plan.target.database.source in {"embedded", "docker"}:
        # libpq's own variables would lead a backend to another database than ours.
        inherited = {name: value for name, value in inherited.items() if name[:2] != "PG"}
    return {
        **inherited,
        "TMPDIR": str(plan.temp_dir),
        "PYTHONUNBUFFERED": "1",  # the last words of a process that is killed
        **extra,
        RUN_MARKER: plan.journal.run_id,
    }


def _cannot_start(key: str, command: tuple[str, ...], error: OSError) -> str:
    """Say why a command could not even be started."""
    # Not by the error: a directory in PATH that is closed to us makes it "permission denied".
    if shutil.which(command[0]) is None and not Path(command[0]).exists():
        return f"{key}: there is no program {command[0]!r}; is it installed and in PATH?"
    return f"{key}: cannot start {command[0]!r}: {error.strerror or error}"
