"""The backend's programs as processes on this machine."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import Misconfigured
from harness.instances.description import Instance, Role
from harness.instances.handle import InstanceHandle
from harness.instances.plan import Driver, Plan
from harness.instances.process_handle import ProcessHandle
from harness.machine import processes
from harness.machine.commands import wait_for_end
from harness.machine.journal import Journal
from harness.machine.logs import describe_end
from harness.machine.processes import RUN_MARKER, Process
from harness.target.tables.models import Migrate
from harness.target.values.libpq_variables import ALL, without_those


class ProcessDriver(Driver):
    """Starts each instance in a session of its own, so that its children can be found."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def start(
        self, plan: Plan, name: str, role: Role, extra: Mapping[str, str], port: int
    ) -> ProcessHandle:
        """Start an instance's process."""
        values = {"port": str(port), "instance": name}
        command, environment = plan.filled_in(plan.table(role), values)
        key = f"{role}.command"
        entry, child, process = self._spawn(plan, name, key, command, {**environment, **extra})
        instance = plan.instance(name, role, port, extra, process)
        return ProcessHandle(instance=instance, journal=self._journal, entry=entry, child=child)

    def attach(self, instance: Instance) -> ProcessHandle:
        """Control a process that another process of the run has started."""
        return ProcessHandle(instance=instance, journal=self._journal)

    async def migrate(self, plan: Plan, program: Migrate) -> str:
        """Run a program as a process; if it fails, what it leaves running is killed too."""
        command, environment = plan.filled_in(program, {})
        key = "database.migrate.command"
        entry, child, process = self._spawn(plan, "migrate", key, command, environment)
        problem = "was canceled"
        try:
            problem = await wait_for_end(child, program.timeout_s)
            if child.returncode and not problem:
                problem = describe_end(child.returncode)
        finally:
            if problem:  # what it left running would keep the database busy
                processes.kill_tree(process)
            self._journal.undone(entry)
        return problem

    def end_all(self, running: Sequence[InstanceHandle]) -> None:
        """SIGKILL all at once, then wait for each."""
        ours = (one.process for one in running if isinstance(one, ProcessHandle))
        processes.send(ours, signal.SIGKILL)
        for one in running:
            one.end()

    def _spawn(
        self,
        plan: Plan,
        name: str,
        key: str,
        command: tuple[str, ...],
        environment: Mapping[str, str],
    ) -> tuple[str, subprocess.Popen[bytes], Process]:
        """Start a program; give its entry in the journal, and the program.

        It is in the journal before it runs.
        """
        entry = self._journal.note("process", what=name)
        try:
            with plan.log_path(name).open("ab") as log:
                child = subprocess.Popen(  # blocks for 2 ms
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=plan.directory,
                    env=_environment(plan, environment),
                    start_new_session=True,
                )
        except OSError as error:
            self._journal.undone(entry)
            raise Misconfigured(_cannot_start(key, command, error)) from error
        process = Process.of(child.pid) or Process(child.pid, "")
        self._journal.amend(entry, pid=process.pid, started=process.started)
        return entry, child, process


def _environment(plan: Plan, extra: Mapping[str, str]) -> dict[str, str]:
    """Give what a program of the target gets: ours, the run's mark, and `extra`."""
    # libpq's own variables would lead a backend to another database than ours.
    return {
        **without_those(os.environ, ALL if plan.target.has_own_server else ()),
        "TMPDIR": str(plan.temp_dir),
        "PYTHONUNBUFFERED": "1",  # the last lines of a process that is killed
        **extra,
        RUN_MARKER: plan.journal.run_id,
    }


def _cannot_start(key: str, command: tuple[str, ...], error: OSError) -> str:
    """Say why a command could not even be started."""
    # Not by the error: a directory in PATH that is closed to us makes it "permission denied".
    try:
        found = shutil.which(command[0]) or Path(command[0]).exists()
    except PermissionError:
        found = True  # in a folder that is closed to us
    if not found:
        return f"{key}: there is no program {command[0]!r}; is it installed and in PATH?"
    return f"{key}: cannot start {command[0]!r}: {error.strerror or error}"
