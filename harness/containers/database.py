"""PostgreSQL in a container, with the roles of an embedded cluster, by testcontainers."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Self

import psycopg
from docker.errors import APIError
from docker.types import EndpointConfig
from psycopg import sql
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config

from harness.containers.container import Container
from harness.containers.engine import explained
from harness.containers.images import require_image
from harness.containers.logs import LogPump
from harness.containers.run_resources import RunResources
from harness.containers.threads import unless_cancelled
from harness.errors import InstanceFailed
from harness.machine.logs import describe_end, tail
from harness.machine.ports import LOOPBACK, free_port
from harness.postgres.cluster import create_database
from harness.postgres.server import SUPERUSER, connect, settings_without_durability
from harness.postgres.template import BLANK, OBSERVER, OWNER
from harness.target.models import Database

_IMAGE = "postgres:17"
_HOST = "postgres"
_PORT = 5432
ADDRESS = f"{_HOST}:{_PORT}"
"""Where containers of the run reach it."""
_DATA = "/var/lib/postgresql/data"
_READY_DEADLINE_S = 60.0
_POLL_S = 0.02
_PORT_TRIES = 5
_NOT_HERE = frozenset({"listen_addresses", "unix_socket_directories", "io_method"})
"""Settings of the embedded server that the image chooses, or that its version does not know."""


class _Postgres(PostgresContainer):
    """testcontainers' PostgreSQL, published on loopback."""

    def _connect(self) -> None:
        """Left to `ContainerDatabase`: testcontainers would put the password on a command line."""


class ContainerDatabase:
    """A server for one run. Made by `start`; other processes of the run only use its URLs."""

    def __init__(
        self,
        resources: RunResources,
        container: Container,
        port: int,
        passwords: Mapping[str, str],
        log_path: Path,
    ) -> None:
        self._resources = resources
        self._container = container
        self._port = port
        self._passwords = passwords
        self.log_path = log_path
        """The server's log."""
        self.version = ""
        """As the server tells it, such as `17.6`."""

    @classmethod
    async def start(
        cls, resources: RunResources, wanted: Database, on_progress: Callable[[str], None]
    ) -> Self:
        """Bring up a server of this run and wait until it takes connections.

        Raises `Misconfigured` when it cannot be started; what it made is removed with `resources`.
        """
        image = wanted.image or _IMAGE
        await unless_cancelled(
            require_image, resources.engine, image, "database.image", on_progress
        )
        passwords = {role: secrets.token_hex(32) for role in (SUPERUSER, OWNER, OBSERVER)}
        log_path = resources.journal.run_dir / "logs" / "postgres" / "1.log"
        log_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        volume = resources.name("postgres")
        await resources.engine.threads.call(resources.make_volume, volume)
        for _ in range(_PORT_TRIES):
            port = free_port()
            server = _described(resources, wanted, passwords[SUPERUSER], port, volume)
            if await resources.engine.threads.call(_started, server):
                break
        else:
            raise InstanceFailed(f"PostgreSQL lost the race for a free port {_PORT_TRIES} times")
        container = Container(
            resources.engine, resources.name("postgres"), network=resources.network, aliases=[_HOST]
        )
        database = cls(resources, container, port, passwords, log_path)
        database._follow()
        await database._until_it_answers()
        await database._make_roles()
        return database

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """Give the DSN of a database: as superuser, as its owner, or as read-only observer."""
        return f"postgresql://{user}:{self._passwords[user]}@{LOOPBACK}:{self._port}/{database}"

    def is_alive(self) -> bool:
        """Say whether the server runs; a paused one does."""
        return self._container.is_alive()

    async def rename_blank(self, name: str) -> None:
        """Make the empty database that the server came with into one of this name."""
        async with connect(self.url("postgres")) as connection:
            await connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(BLANK), sql.Identifier(name)
                )
            )

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database owned by the backend's role: empty, or a clone of another one."""
        await create_database(self.url("postgres"), name, template)

    def kill(self) -> None:
        """SIGKILL the server and all its processes, as a crash would; the data stays."""
        self._container.kill()

    async def shut_down(self, grace_s: float) -> None:
        """Send its image's stop signal, kill it after the grace; the data stays."""
        await self._container.stop(grace_s)

    async def pause(self) -> None:
        """Freeze it: connections stay open, nothing answers."""
        await self._container.pause()

    async def resume(self) -> None:
        """Let it go on."""
        await self._container.resume()

    async def disconnect(self) -> None:
        """Cut it off from the network, from the harness as well."""
        await self._container.disconnect()

    async def reconnect(self) -> None:
        """Give it the network back, at the same address."""
        await self._container.reconnect()

    async def restart(self) -> None:
        """End the server, if it still runs, and start it again on the same data and port.

        Raises `InstanceFailed` when it does not come back.
        """
        await self._resources.engine.threads.call(self._container.kill)
        self._follow()
        with explained("starting PostgreSQL again"):
            await self._resources.engine.threads.call(
                self._resources.engine.client.api.start, self._container.name
            )
        await self._until_it_answers()

    async def stop(self) -> None:
        """End the server and remove its data; safe to call twice, and after `kill`."""
        await self._resources.engine.threads.call(self._container.remove)
        await self._resources.engine.threads.call(
            self._resources.remove_volume, self._resources.name("postgres")
        )

    def _follow(self) -> None:
        self._container.pump = LogPump(
            self._resources.engine, self._container.name, self.log_path, from_start=True
        )

    async def _until_it_answers(self) -> None:
        end = time.monotonic() + _READY_DEADLINE_S
        while True:
            try:
                async with connect(self.url("postgres")) as connection:
                    version = connection.info.parameter_status("server_version") or ""
            except psycopg.OperationalError as error:
                got = str(error).strip()
            else:
                self.version = re.split(r"\s", version)[0]
                return
            code = await self._resources.engine.threads.call(self._container.exit_code)
            if code is not None:
                raise InstanceFailed(self._failure(describe_end(code)))
            if time.monotonic() > end:
                what = f"took no connections on {LOOPBACK}:{self._port} within "
                raise InstanceFailed(self._failure(f"{what}{_READY_DEADLINE_S:g} s ({got})"))
            await asyncio.sleep(_POLL_S)

    def _failure(self, what: str) -> str:
        return (
            f"PostgreSQL in {self._container.name} {what}; its last words:\n{tail(self.log_path)}"
        )

    async def _make_roles(self) -> None:
        roles = (files("harness.postgres") / "roles.sql").read_bytes()
        async with connect(self.url("postgres")) as connection:
            await connection.execute(roles)
            for role in (OWNER, OBSERVER):
                await connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(self._passwords[role])
                    )
                )
        await self.create_database(BLANK)


def _described(
    resources: RunResources, wanted: Database, password: str, port: int, volume: str
) -> _Postgres:
    # Ryuk is started by us where there is one; the variable for switching it off stays the same.
    testcontainers_config.ryuk_disabled = True
    settings = settings_without_durability() | dict(wanted.settings)
    words = [
        word
        for name, value in settings.items()
        if name not in _NOT_HERE or name in wanted.settings
        for word in ("-c", f"{name}={value}")
    ]
    container = _Postgres(
        wanted.image or _IMAGE, port=_PORT, username=SUPERUSER, password=password, dbname="postgres"
    )
    container.with_name(resources.name("postgres"))
    container.with_command(["postgres", *words])
    container.with_volume_mapping(volume, _DATA, "rw")
    # The library knows no host address; the one below it does.
    container.ports = {f"{_PORT}/tcp": (LOOPBACK, port)}  # type: ignore[dict-item]
    endpoint = EndpointConfig("1.41", aliases=[_HOST])
    container.with_kwargs(
        labels=resources.labels,
        network=resources.network,
        networking_config={resources.network: endpoint},
    )
    return container


def _started(server: _Postgres) -> bool:
    """Start it; False when somebody took its port meanwhile, and nothing of it is left."""
    with explained("starting PostgreSQL"):
        try:
            server.start()
        except APIError as error:
            if "already" not in str(error) or "port" not in str(error):
                raise
            server.stop()
            return False
    return True
