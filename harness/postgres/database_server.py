"""What an embedded server and one in a container share: roles, passwords, databases."""

import secrets
from abc import ABC, abstractmethod
from importlib.resources import files
from pathlib import Path

from psycopg import sql

from harness.machine.ports import LOOPBACK
from harness.postgres.server import SUPERUSER, Connection, connect
from harness.postgres.template import BLANK, OBSERVER, OWNER

_CLONE_SETTINGS = (files("harness.postgres") / "clone.sql").read_bytes()


class DatabaseServer(ABC):
    """PostgreSQL of our own, for all systems of a run, with passwords that nothing else has.

    Only the process that started it controls it; other processes of the run use its URLs.
    """

    version = ""
    """As the server reports it, such as `18.4`."""

    def __init__(self, port: int, log_path: Path) -> None:
        self.port = port
        """Where it listens on loopback; kept over restarts."""
        self.log_path = log_path
        """The server's log."""
        self._passwords = {role: secrets.token_hex(32) for role in (SUPERUSER, OWNER, OBSERVER)}

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """Give the DSN of a database: as superuser, as its owner, or as read-only observer."""
        return f"postgresql://{user}:{self._passwords[user]}@{LOOPBACK}:{self.port}/{database}"

    async def rename_blank(self, name: str) -> None:
        """Rename the empty database that the server came with, which takes no time."""
        async with connect(self.url("postgres")) as connection:
            await connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(BLANK), sql.Identifier(name)
                )
            )

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database owned by the backend's role: empty, or a clone of another one.

        A clone takes some 0.1 s. No client may be connected to `template`.
        """
        await create_database(self.url("postgres"), name, template)

    @abstractmethod
    def is_alive(self) -> bool:
        """Say whether the server runs."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL the server and all its processes, as a crash would; the data stays."""

    @abstractmethod
    async def restart(self) -> None:
        """End the server, if it still runs, and start it again on the same data and port.

        Raises `InstanceFailed` when it does not come back.
        """

    @abstractmethod
    async def stop(self) -> None:
        """End the server and remove its data; safe to call twice, and after `kill`."""

    async def _set_passwords(self, connection: Connection) -> None:
        for role, password in self._passwords.items():
            await connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )


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
    """Drop a database, even if clients are connected to it."""
    async with connect(control_url) as connection:
        await connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
