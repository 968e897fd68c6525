"""PostgreSQL in a container, with the roles of an embedded cluster, by testcontainers."""

import re
from collections.abc import Callable
from importlib.resources import files
from typing import Self

import psycopg
from docker.errors import APIError
from docker.types import EndpointConfig
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config

from harness.containers.container import Container
from harness.containers.engine import explained
from harness.containers.images import require_image
from harness.containers.logs import LogPump
from harness.containers.run_resources import RunResources
from harness.containers.threads import until_canceled
from harness.errors import InstanceFailed
from harness.machine.logs import describe_end, tail
from harness.machine.ports import LOOPBACK, free_port
from harness.postgres.database_server import DatabaseServer
from harness.postgres.server import SETTINGS, SUPERUSER, connect
from harness.postgres.template import BLANK
from harness.target.tables.models import Database
from harness.waiting import wait_until

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


class ContainerDatabase(DatabaseServer):
    """A server for one run. Made by `start`."""

    def __init__(self, resources: RunResources, port: int) -> None:
        super().__init__(port, resources.journal.run_dir / "logs" / "postgres" / "1.log")
        self._resources = resources
        self._threads = resources.engine.threads
        self._container = Container(
            resources.engine, resources.name("postgres"), network=resources.network
        )

    @classmethod
    async def start(
        cls, resources: RunResources, wanted: Database, on_progress: Callable[[str], None]
    ) -> Self:
        """Bring up a server of this run and wait until it takes connections.

        Raises `Misconfigured` when it cannot be started; what it made is removed with `resources`.
        """
        image = wanted.image or _IMAGE
        await until_canceled(require_image, resources.engine, image, "database.image", on_progress)
        name = resources.name("postgres")
        await resources.engine.threads.call(resources.make_volume, name)
        for _ in range(_PORT_TRIES):
            database = cls(resources, free_port())
            described = database._described(wanted)
            if await resources.engine.threads.call(_started, described):
                break
        else:
            raise InstanceFailed(f"another program took PostgreSQL's port, {_PORT_TRIES} times")
        database.log_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        database._follow()
        await database._wait_until_ready()
        async with connect(database.url("postgres")) as connection:
            await connection.execute((files("harness.postgres") / "roles.sql").read_bytes())
            await database._set_passwords(connection)
        await database.create_database(BLANK)
        return database

    def is_alive(self) -> bool:
        """Say whether the server runs; a paused one does."""
        return self._container.is_alive()

    def kill(self) -> None:
        """SIGKILL the server and all its processes, as a crash would; the data stays."""
        self._container.kill()

    async def restart(self) -> None:
        """End the server, if it still runs, and start it again on the same data and port.

        Raises `InstanceFailed` when it does not come back.
        """
        await self._threads.call(self._container.kill)
        self._follow()
        with explained("starting PostgreSQL again"):
            await self._threads.call(self._resources.engine.client.api.start, self._container.name)
        await self._wait_until_ready()

    async def stop(self) -> None:
        """End the server and remove its data; safe to call twice, and after `kill`."""
        await self._threads.call(self._container.remove)
        await self._threads.call(self._resources.remove_volume, self._container.name)

    def _follow(self) -> None:
        self._container.pump = LogPump(
            self._resources.engine, self._container.name, self.log_path, from_start=True
        )

    async def _wait_until_ready(self) -> None:
        got = ""

        async def is_ready() -> bool:
            nonlocal got
            try:
                async with connect(self.url("postgres")) as connection:
                    version = connection.info.parameter_status("server_version") or ""
            except psycopg.OperationalError as error:
                got = str(error).strip()
            else:
                self.version = re.split(r"\s", version)[0]
                return True
            code = await self._threads.call(self._container.exit_code)
            if code is not None:
                raise self._failure(describe_end(code))
            return False

        def too_late(_: str) -> InstanceFailed:
            where = f"{LOOPBACK}:{self.port}"
            return self._failure(
                f"accepted no connections on {where} within {_READY_DEADLINE_S:g} s ({got})"
            )

        await wait_until(is_ready, _READY_DEADLINE_S, "connections", poll_s=_POLL_S, error=too_late)

    def _failure(self, what: str) -> InstanceFailed:
        last = tail(self.log_path)
        return InstanceFailed(
            f"PostgreSQL in {self._container.name} {what}; its last log lines:\n{last}"
        )

    def _described(self, wanted: Database) -> _Postgres:
        # Ryuk is started by us where there is one; the variable for switching it off stays the
        # same.
        testcontainers_config.ryuk_disabled = True
        resources = self._resources
        settings = {**SETTINGS, **wanted.settings}
        options = [
            word
            for name, value in settings.items()
            if name not in _NOT_HERE or name in wanted.settings
            for word in ("-c", f"{name}={value}")
        ]
        container = _Postgres(
            wanted.image or _IMAGE,
            port=_PORT,
            username=SUPERUSER,
            password=self._passwords[SUPERUSER],
            dbname="postgres",
        )
        container.with_name(self._container.name)
        container.with_command(["postgres", *options])
        container.with_volume_mapping(self._container.name, _DATA, "rw")
        # The library knows no host address; the one below it does.
        container.ports = {f"{_PORT}/tcp": (LOOPBACK, self.port)}  # type: ignore[dict-item]
        container.with_kwargs(
            labels=resources.labels,
            network=resources.network,
            networking_config={resources.network: EndpointConfig("1.41", aliases=[_HOST])},
        )
        return container


def _started(server: _Postgres) -> bool:
    """Start it; False if another program took its port meanwhile. Nothing of it is left then."""
    with explained("starting PostgreSQL"):
        try:
            server.start()
        except APIError as error:
            if "already" not in str(error) or "port" not in str(error):
                raise
            server.stop()
            return False
    return True
