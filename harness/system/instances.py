"""Starting one instance and waiting until it is ready."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import processes
from harness.errors import InstanceFailed, Misconfigured
from harness.journal import Journal
from harness.logs import describe_end, tail
from harness.ports import LOOPBACK, free_port, is_free
from harness.processes import Process
from harness.redaction import Redactor
from harness.system.description import Instance, Role
from harness.system.listeners import listens
from harness.system.plan import Plan
from harness.system.readiness import Answer, ask
from harness.target.models import Api, Worker

_POLL_S = 0.01
_PORT_TRIES = 5
_PORT_TAKEN = ("address already in use", "eaddrinuse", "address in use")


@dataclass(kw_only=True)
class Running:
    """An instance with its process, as far as it is ours to control."""

    instance: Instance
    entry: str
    """In the journal."""
    child: subprocess.Popen[bytes] | None
    """None when another process of the run started it."""

    @property
    def process(self) -> Process | None:
        """The process that leads its group; None when the instance is not on this machine."""
        if self.instance.pid is None:
            return None
        return Process(self.instance.pid, self.instance.started)

    def is_alive(self) -> bool:
        """Say whether it runs; takes note of its end if it is our child."""
        if self.child is not None:
            return self.child.poll() is None
        process = self.process
        return process is None or process.is_alive()


async def bring_up(
    plan: Plan, name: str, role: Role, extra: Mapping[str, str], port: int | None = None
) -> Running:
    """Start an instance and wait until it is ready, on the given port or a free one.

    Raises `InstanceFailed` with its last log lines when it dies or its time is over, and
    `Misconfigured` when it cannot be started at all. Nothing of it is left then.
    """
    table = plan.table(role)
    fixed = port if port is not None else (table.port if isinstance(table, Api) else None)
    if fixed is not None and not is_free(fixed):
        raise Misconfigured(
            f"{name}: port {fixed} on {LOOPBACK} is in use by another program; "
            "stop it, or let the target use {port}"
        )
    tried: frozenset[int] = frozenset()
    while True:
        chosen = fixed if fixed is not None else free_port(tried)
        tried |= {chosen}
        since = _size(plan.log_path(name))
        running = start_process(plan, name, role, extra, chosen)
        try:
            await _wait_until_ready(plan, running, table, since)
            return running
        except InstanceFailed:
            lost = _lost_port(running, chosen, plan.log_path(name), since)
            end(plan.journal, running)
            if not lost or fixed is not None or len(tried) >= _PORT_TRIES:
                raise
        except BaseException:
            end(plan.journal, running)
            raise


def start_process(
    plan: Plan, name: str, role: Role, extra: Mapping[str, str], port: int
) -> Running:
    """Start an instance's process in a session of its own; it is in the journal before it is."""
    table = plan.table(role)
    values = {**plan.values, "port": str(port), "instance": name}
    command = plan.target.expand_command(table.command or (), values)
    environment = plan.target.expand_environment(table.environment, values)
    log_path = plan.log_path(name)
    entry = plan.journal.note("process", what=name)
    try:
        with log_path.open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=plan.directory,
                env=plan.environment({**environment, **extra}),
                start_new_session=True,
            )
    except OSError as error:
        plan.journal.undone(entry)
        raise Misconfigured(cannot_start(f"{role}.command", command, error)) from error
    process = Process.of(child.pid)
    started = process.started if process else ""
    plan.journal.amend(entry, pid=child.pid, started=started)
    instance = Instance(
        name=name,
        role=role,
        base_url=f"http://{LOOPBACK}:{port}",
        log_path=log_path,
        pid=child.pid,
        started=started,
        environment=dict(extra),
    )
    return Running(instance=instance, entry=entry, child=child)


def end(journal: Journal, running: Running) -> None:
    """SIGKILL an instance with all that it started, and wait until it is gone.

    Blocks for those milliseconds: what cleans up must not be cancelled half way.
    """
    process = running.process
    if process is not None:
        processes.kill_family(process)
    if running.child is not None:
        running.child.wait()
    journal.undone(running.entry)


def cannot_start(key: str, command: tuple[str, ...], error: OSError) -> str:
    """Say why a command could not even be started."""
    # Not by the error: a directory in PATH that is closed to us makes it "permission denied".
    if shutil.which(command[0]) is None and not Path(command[0]).exists():
        return f"{key}: there is no program {command[0]!r}; is it installed and in PATH?"
    return f"{key}: cannot start {command[0]!r}: {error.strerror or error}"


async def _wait_until_ready(plan: Plan, running: Running, table: Api | Worker, since: int) -> None:
    instance = running.instance
    assert running.child is not None
    end_at = time.monotonic() + table.ready_timeout_s
    answer = Answer(status=None, text="it was not asked yet")
    while True:
        code = running.child.poll()
        if code is not None:
            raise InstanceFailed(
                _failure(plan, instance, f"{describe_end(code)} before it was ready", since)
            )
        if table.ready_path is None:
            return
        left = end_at - time.monotonic()
        if left <= 0:
            what = (
                f"was not ready within {table.ready_timeout_s:g} s: "
                f"GET {instance.base_url}{table.ready_path} came to: {answer.text}"
            )
            raise InstanceFailed(_failure(plan, instance, what, since))
        answer = await ask(instance.base_url, table.ready_path, max(0.2, min(left, 2.0)))
        if answer.is_ready and running.is_alive() and _is_its_own(running):
            return
        await asyncio.sleep(_POLL_S)


def _is_its_own(running: Running) -> bool:
    """Make sure that it was our instance that answered.

    Another program that took the port first may answer for it; ours then dies of that, or does
    not care and never gets ready.
    """
    process = running.process
    port = int(running.instance.base_url.rpartition(":")[2])
    return process is not None and listens(process, port)


def _lost_port(running: Running, port: int, log_path: Path, since: int) -> bool:
    """Say whether somebody took the port between our choosing and the instance's binding it."""
    said = tail(log_path, since=since).lower()
    return any(words in said for words in _PORT_TAKEN) or (
        not running.is_alive() and not is_free(port)
    )


def _failure(plan: Plan, instance: Instance, what: str, since: int) -> str:
    last = tail(instance.log_path, since=since)
    return Redactor(plan.secrets)(f"{instance.name} {what}; its last words:\n{last}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
