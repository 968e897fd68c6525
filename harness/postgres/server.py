"""One PostgreSQL server process on a data directory."""

import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from harness.errors import InstanceFailed
from harness.machine import processes
from harness.machine.logs import describe_end, tail
from harness.machine.ports import LOOPBACK, free_port
from harness.machine.processes import Process
from harness.postgres.account import Account
from harness.postgres.binaries import Binaries
from harness.postgres.pid_file import is_ready, remove_shared_memory
from harness.postgres.programs import start_program
from harness.postgres.releases import known_settings
from harness.waiting import becomes_true, wait_until

Connection = psycopg.AsyncConnection[tuple[object, ...]]

SUPERUSER = "shakedown"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "500",  # several systems with their pools share a cluster
    "shared_buffers": "128MB",
    # Nothing here outlives the machine, so nothing waits for a disk. A commit does reach the
    # kernel before it is acknowledged: drills kill the server, and no commit may be lost.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "1h",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "io_method": "sync",  # three helper processes fewer to start
    "dynamic_shared_memory_type": "mmap",  # in the data directory, so a kill leaves nothing
}
"""For a database that lives for minutes and is lost with its machine."""


_READY_DEADLINE_S = 30.0
_STOP_GRACE_S = 10.0
_POLL_S = 0.002
_PORT_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class ServerFiles:
    """Where a server's programs, data and log are, and as whom it runs."""

    binaries: Binaries
    account: Account
    data_dir: Path
    log_path: Path
    run_id: str


class Server:
    """A server that runs; made by `start`."""

    def __init__(self, where: ServerFiles, settings: Mapping[str, str], port: int) -> None:
        self.files = where
        self.settings = settings
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    async def start(
        cls, where: ServerFiles, settings: Mapping[str, str] | None = None, port: int | None = None
    ) -> "Server":
        """Start a server and wait until it takes connections, on a free port unless given one.

        Raises `InstanceFailed` with the last lines of its log when it does not get that far.
        """
        for _ in range(_PORT_TRIES):
            server = cls(where, settings or {}, port or free_port())
            try:
                await server.run()
            except InstanceFailed:
                taken = "address already in use" in tail(where.log_path).lower()
                if port is not None or not taken:
                    raise
                continue
            return server
        raise InstanceFailed(f"another program took PostgreSQL's port, {_PORT_TRIES} times")

    async def run(self) -> None:
        """Start the process and wait until it takes connections."""
        ours = known_settings(SETTINGS, self.files.binaries.major)
        settings = {**ours, "port": str(self.port), **self.settings}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(self.files.binaries.postgres), "-D", str(self.files.data_dir), *options]
        with self.files.log_path.open("ab") as log:
            self._process = start_program(command, self.files.account, self.files.run_id, log)
        try:
            await wait_until(
                self._is_ready,
                _READY_DEADLINE_S,
                "connections",
                poll_s=_POLL_S,
                error=lambda _: self._failure(
                    f"accepted no connections in {_READY_DEADLINE_S:g} s"
                ),
            )
        except BaseException:
            self.kill()
            self.clean_up()
            raise

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise self._failure(describe_end(self._process.returncode))
        return is_ready(self.files.data_dir, self._process.pid)

    def is_alive(self) -> bool:
        """Say whether the server process runs."""
        return self._process is not None and self._process.poll() is None

    async def stop(self, *, clean: bool = False, grace_s: float = _STOP_GRACE_S) -> None:
        """End the server: at once, leaving recovery to the next start, or after a checkpoint.

        Past the grace it is killed.
        """
        if self._process is None or not self.is_alive():
            self.clean_up()
            return
        self._process.send_signal(signal.SIGINT if clean else signal.SIGQUIT)
        if not await becomes_true(lambda: not self.is_alive(), grace_s, poll_s=_POLL_S):
            self.kill()
        self.clean_up()

    def kill(self) -> None:
        """SIGKILL the server and all its processes, as a crash of the machine would end them."""
        if self._process is None:
            return
        leader = Process.of(self._process.pid)
        if leader is not None:
            processes.kill_tree(leader)
        self._process.wait()

    def clean_up(self) -> None:
        """Remove what a killed server leaves on the machine outside its data directory."""
        if not self.is_alive():
            remove_shared_memory(self.files.data_dir)

    def _failure(self, what: str) -> InstanceFailed:
        last = tail(self.files.log_path)
        return InstanceFailed(f"PostgreSQL {what}; its last log lines:\n{last}")


@contextlib.asynccontextmanager
async def connect(url: str) -> AsyncIterator[Connection]:
    """Connect as administrator: every statement commits on its own."""
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=10)
    try:
        yield connection
    finally:
        await connection.close()
