"""An embedded PostgreSQL cluster: a copy of the cached template with a server on it."""

import itertools
import secrets
import shutil
import signal
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Self

from psycopg import sql

from harness.errors import Misconfigured
from harness.machine.directories import RUN_PREFIX, memory_base
from harness.machine.journal import Journal
from harness.machine.ports import LOOPBACK
from harness.postgres.account import Account
from harness.postgres.binaries import find_binaries
from harness.postgres.server import SUPERUSER, Server, ServerFiles, connect
from harness.postgres.template import BLANK, OBSERVER, OWNER, ClusterTemplate, cached_template

_NO_NETWORK = (
    "the embedded database shares the network of this machine; only one in a container ([database] "
    'source = "docker") can be cut off'
)
_CLONE_SETTINGS = (files("harness.postgres") / "clone.sql").read_bytes()


class Cluster:
    """PostgreSQL 18 for one run: on loopback, with passwords that nobody else has.

    Made by `start`, and by the process that ends it; other processes only use its URLs.
    """

    def __init__(
        self,
        server: Server,
        home: Path,
        journal: Journal,
        entries: tuple[str, ...],
        passwords: Mapping[str, str],
    ) -> None:
        self._server = server
        self._home = home
        self._journal = journal
        self._entries = entries
        self._passwords = dict(passwords)
        self.version = ""
        """As the server tells it, such as `18.4`."""

    @classmethod
    async def start(
        cls, run_dir: Path, journal: Journal, settings: Mapping[str, str] | None = None
    ) -> Self:
        """Bring up a cluster of this run and wait until it takes connections.

        `settings` are PostgreSQL's own and win over the harness's, which trade durability for
        speed. Raises `Misconfigured` when it cannot be started; nothing is left then.
        """
        account = Account.for_server()
        binaries = find_binaries(account)
        home, log_path = _new_place(run_dir, journal.run_id)
        data_dir = home / "data"
        entries = (
            journal.note("directory", path=str(home)),
            journal.note("cluster", path=str(data_dir)),
        )
        server: Server | None = None
        try:
            _prepare(home, log_path)
            template = await cached_template(binaries, account, home, journal.run_id)
            await template.copy_to(data_dir, journal.run_id)
            where = ServerFiles(
                binaries=binaries,
                account=account,
                data_dir=data_dir,
                log_path=log_path,
                run_id=journal.run_id,
            )
            server = await Server.start(where, settings)
            cluster = cls(server, home, journal, entries, _new_passwords())
            await cluster._take_over(template)
        except BaseException:
            if server is not None:
                server.kill()
                server.clean_up()
            shutil.rmtree(home, ignore_errors=True)
            for entry in reversed(entries):
                journal.undone(entry)
            raise
        return cluster

    @property
    def port(self) -> int:
        """Where it listens on loopback; kept over restarts."""
        return self._server.port

    @property
    def data_dir(self) -> Path:
        """Where its data is: in memory, or in the run's directory where memory is scarce."""
        return self._server.files.data_dir

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self._server.files.log_path

    @property
    def passwords(self) -> frozenset[str]:
        """The passwords of its roles, for hiding them."""
        return frozenset(self._passwords.values())

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """Give the DSN of a database: as superuser, as its owner, or as read-only observer."""
        return f"postgresql://{user}:{self._passwords[user]}@{LOOPBACK}:{self.port}/{database}"

    def is_alive(self) -> bool:
        """Say whether the server runs."""
        return self._server.is_alive()

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database owned by the backend's role: empty, or a clone of another one.

        A clone takes some 0.1 s. Nobody may be connected to `template`.
        """
        await create_database(self.url("postgres"), name, template)

    async def rename_blank(self, name: str) -> None:
        """Make the empty database that the cluster came with into one of this name, at once."""
        async with connect(self.url("postgres")) as connection:
            await connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(BLANK), sql.Identifier(name)
                )
            )

    async def stop(self) -> None:
        """End the server and remove its data; safe to call twice, and after `kill`."""
        await self._server.stop()
        shutil.rmtree(self._home, ignore_errors=True)
        for entry in reversed(self._entries):
            self._journal.undone(entry)

    def kill(self) -> None:
        """SIGKILL the server and all its processes, as a crash would; the data stays."""
        self._server.kill()

    async def shut_down(self, grace_s: float) -> None:
        """Ask for a fast shutdown, kill it after the grace; the data stays."""
        await self._server.stop(clean=True, grace_s=grace_s)

    async def pause(self) -> None:
        """SIGSTOP the server and all its processes: connections stay open, nothing answers."""
        self._server.signal(signal.SIGSTOP)

    async def resume(self) -> None:
        """SIGCONT the server and all its processes."""
        self._server.signal(signal.SIGCONT)

    async def disconnect(self) -> None:
        """It shares the network of this machine: refused."""
        raise Misconfigured(_NO_NETWORK)

    async def reconnect(self) -> None:
        """It shares the network of this machine: refused."""
        raise Misconfigured(_NO_NETWORK)

    async def restart(self) -> None:
        """End the server, if it still runs, and start it again on the same data and port.

        Raises `InstanceFailed` when it does not come back.
        """
        await self._server.stop()
        self._server = await Server.start(
            self._server.files, self._server.settings, self._server.port
        )

    async def _take_over(self, template: ClusterTemplate) -> None:
        """Change the passwords: the template's is in a file that every run of ours reads."""
        ours = self._passwords
        self._passwords = {**ours, SUPERUSER: template.password}
        async with connect(self.url("postgres")) as connection:
            for role, password in ours.items():
                await connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(password)
                    )
                )
            self.version = connection.info.parameter_status("server_version") or ""
        self._passwords = ours


def _new_place(run_dir: Path, run_id: str) -> tuple[Path, Path]:
    """Choose where a cluster will be, in memory if there is room, and its log, which stays."""
    base = memory_base()
    parent = run_dir if base is None else base
    logs = run_dir / "logs" / "postgres"
    prefix = "postgres" if base is None else f"{RUN_PREFIX}{run_id}"
    for number in itertools.count(1):
        home, log_path = parent / f"{prefix}-{number}", logs / f"{number}.log"
        if not home.exists() and not log_path.exists():
            return home, log_path
    raise AssertionError("there is always another number")


def _prepare(home: Path, log_path: Path) -> None:
    home.mkdir()
    home.chmod(0o711)  # whatever our umask is: the server's account must get through
    log_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_path.touch(mode=0o600)


def _new_passwords() -> dict[str, str]:
    return {role: secrets.token_hex(32) for role in (SUPERUSER, OWNER, OBSERVER)}


async def create_database(control_url: str, name: str, template: str | None = None) -> None:
    """Make a database owned by the backend's role, over a superuser's connection.

    A clone takes its template's privileges and settings along.
    """
    async with connect(control_url) as connection:
        await connection.execute(
            # The checkpoints that file_copy needs cost nothing here; the log that it saves does.
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template1")
            )
        )
        if template is not None:
            await connection.execute(_CLONE_SETTINGS, {"clone": name, "original": template})


async def drop_database(control_url: str, name: str) -> None:
    """Drop a database, whoever is still connected to it."""
    async with connect(control_url) as connection:
        await connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
