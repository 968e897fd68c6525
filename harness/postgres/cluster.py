"""An embedded PostgreSQL cluster: a copy of the cached template with a server on it."""

import asyncio
import itertools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from harness.machine.directories import RUN_PREFIX, memory_base
from harness.machine.journal import Journal
from harness.machine.mounts import mount_memory, unmount
from harness.machine.ports import LOOPBACK
from harness.machine.room import DATABASE_BYTES, refuse_too_little
from harness.postgres.account import Account
from harness.postgres.binaries import find_binaries
from harness.postgres.database_server import DatabaseServer
from harness.postgres.server import SUPERUSER, Server, ServerFiles, connect
from harness.postgres.template import cached_template


class Cluster(DatabaseServer):
    """PostgreSQL for one run, on loopback. Made by `start`."""

    def __init__(
        self, server: Server, home: Path, journal: Journal, entries: tuple[str, ...]
    ) -> None:
        super().__init__(server.port, server.files.log_path)
        self._server = server
        self._home = home
        self._journal = journal
        self._entries = entries

    @classmethod
    async def start(
        cls,
        journal: Journal,
        settings: Mapping[str, str] | None = None,
        binaries: str | None = None,
        disk_bytes: int | None = None,
    ) -> Self:
        """Bring up a cluster of this run and wait until it takes connections.

        `settings` are PostgreSQL's own and win over the harness's, which trade durability for
        speed. `binaries` is the target's `[database] binaries`; None: PostgreSQL 18 of the
        package. `disk_bytes`: its data is on a file system of its own of this size, in memory.
        Raises `Misconfigured` when it cannot be started; nothing is left then.
        """
        account = Account.for_server()
        programs = await asyncio.to_thread(find_binaries, account, binaries)
        home, log_path = _new_place(journal.run_dir, journal.run_id)
        data_dir = home / "data"
        entries: tuple[str, ...] = (
            journal.note("directory", path=str(home)),
            journal.note("cluster", path=str(data_dir)),
        )
        server: Server | None = None
        try:
            _prepare(home, log_path)
            if disk_bytes is not None:
                entries += (mount_memory(journal, home, disk_bytes),)
            async with cached_template(programs, account, home, journal.run_id) as template:
                await template.copy_to(data_dir, journal.run_id)
            where = ServerFiles(
                binaries=programs,
                account=account,
                data_dir=data_dir,
                log_path=log_path,
                run_id=journal.run_id,
            )
            server = await Server.start(where, settings)
            cluster = cls(server, home, journal, entries)
            await cluster._take_over(template.password)
        except BaseException:
            if server is not None:
                server.kill()
                server.clean_up()
            _remove(home)
            for entry in reversed(entries):
                journal.undone(entry)
            raise
        return cluster

    @property
    def data_dir(self) -> Path:
        """Where its data is: in memory, or in the run's directory where memory is scarce."""
        return self._server.files.data_dir

    def is_alive(self) -> bool:
        """Say whether the server runs."""
        return self._server.is_alive()

    def kill(self) -> None:
        """SIGKILL the server and all its processes, as a crash would; the data stays."""
        self._server.kill()

    async def halt(self, *, clean: bool = False) -> None:
        """End the server and keep its data; `restart` starts it again.

        At once, so that the next start must recover from the log; `clean`: after a checkpoint.
        """
        await self._server.stop(clean=clean)

    async def restart(self) -> None:
        """End the server, if it still runs, and start it again on the same data and port.

        Raises `InstanceFailed` when it does not come back.
        """
        await self._server.stop()
        self._server = await Server.start(self._server.files, self._server.settings, self.port)

    async def stop(self) -> None:
        """End the server and remove its data; safe to call twice, and after `kill`."""
        await self._server.stop()
        _remove(self._home)
        for entry in reversed(self._entries):
            self._journal.undone(entry)

    async def _take_over(self, password: str) -> None:
        """Change the passwords: the template's is in a file that every run of ours reads."""
        url = f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{self.port}/postgres"
        async with connect(url) as connection:
            await self._set_passwords(connection)
            shown = connection.info.parameter_status("server_version") or ""
            self.version = shown.partition(" ")[0]  # without "(Debian 15.18-0+deb12u1)"


def _new_place(run_dir: Path, run_id: str) -> tuple[Path, Path]:
    """Choose where a cluster and its log will be: in memory if there is room; the log stays."""
    base = memory_base()
    parent = run_dir if base is None else base
    refuse_too_little(
        parent, DATABASE_BYTES, "the database of a run", "set TMPDIR to a directory with more"
    )
    logs = run_dir / "logs" / "postgres"
    prefix = "postgres" if base is None else f"{RUN_PREFIX}{run_id}"
    for number in itertools.count(1):
        home, log_path = parent / f"{prefix}-{number}", logs / f"{number}.log"
        if not home.exists() and not log_path.exists():
            return home, log_path
    raise AssertionError("there is always another number")


def _remove(home: Path) -> None:
    if home.is_mount():
        unmount(home)
    shutil.rmtree(home, ignore_errors=True)


def _prepare(home: Path, log_path: Path) -> None:
    home.mkdir()
    home.chmod(0o711)  # independent of our umask: the server's account must get through
    log_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_path.touch(mode=0o600)
