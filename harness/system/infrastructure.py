"""What all systems of a run share: the driver, the database server, and what containers need."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from harness.errors import Misconfigured
from harness.instances.plan import Driver, KeySet
from harness.instances.process_driver import ProcessDriver
from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.postgres.database_server import DatabaseServer
from harness.system.key_server import KeyServer
from harness.system.token_keys import TokenKeys
from harness.target.target import Target

if TYPE_CHECKING:
    from harness.containers.run_resources import RunResources


class Infrastructure:
    """Brought up by `start` in the process that begins a run, and removed by `close`."""

    driver: Driver
    server: DatabaseServer | None = None
    """None if the database is not ours."""
    key_set: KeySet | None = None
    """None if tokens are not signed with a key pair."""

    def __init__(
        self, target: Target, journal: Journal, on_progress: Callable[[str], None]
    ) -> None:
        self.target = target
        """Once started, it has the key pair of the run."""
        self._journal = journal
        self._report = on_progress
        self._resources: RunResources | None = None
        self._key_server: KeyServer | None = None

    async def start(self) -> None:
        """Bring all of it up; the database server is empty then.

        Raises `Misconfigured` if a part cannot be brought up.
        """
        if "docker" in {self.target.driver, self.target.database.source}:
            # Loaded here: without containers nothing of it is needed.
            from harness.containers.run_resources import RunResources  # noqa: PLC0415

            self._resources = await RunResources.prepare(self._journal, self._report)
        starting = asyncio.ensure_future(self._start_server())
        try:
            self.driver = await self._make_driver()
            await self._publish_keys()
            await starting
        finally:
            # `close` must know everything that it has made by then.
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)

    async def close(self) -> None:
        """Remove it, once no system needs it any more."""
        if self._key_server is not None:
            self._key_server.close()
        if self.server is not None:
            await self.server.stop()
        if self._resources is not None:
            self._resources.close()

    async def _start_server(self) -> None:
        database = self.target.database
        if database.source == "embedded":
            self.server = await Cluster.start(self._journal, database.settings, database.binaries)
        elif database.source == "docker":
            from harness.containers.database import ContainerDatabase  # noqa: PLC0415

            assert self._resources is not None
            self.server = await ContainerDatabase.start(self._resources, database, self._report)

    async def _publish_keys(self) -> None:
        """Make the run's key pair and serve its public half, where the target asks for a URL."""
        keys = TokenKeys.of(self.target, self._journal.run_dir)
        if keys is None:
            return
        self.target = self.target.signing_with(keys.key)
        if not self.target.mentions("jwks_url"):
            self.key_set = keys.shown_at(None)
            return
        host = await asyncio.to_thread(lambda: self.driver.harness_host)
        if host is None:
            raise Misconfigured(
                "{jwks_url}: containers of this engine cannot reach a server of the harness; give "
                "the backend its keys by {jwks_file} or {jwt_public_key}"
            )
        self._key_server = KeyServer.start(keys.key.jwks, host)
        self.key_set = keys.shown_at(self._key_server.url)

    async def _make_driver(self) -> Driver:
        if self.target.driver != "docker":
            return attach_driver(self.target, self._journal, {})
        from harness.containers.driver import ContainerDriver  # noqa: PLC0415

        assert self._resources is not None
        log_dir = self._journal.run_dir / "logs" / "main"
        return await ContainerDriver.with_images(
            self._resources, self.target, self._report, log_dir
        )


def attach_driver(target: Target, journal: Journal, images: Mapping[str, str]) -> Driver:
    """Give the driver of a run that has begun; `images` are those of its containers."""
    if target.driver == "external":
        return Driver()
    if target.driver == "process":
        return ProcessDriver(journal)
    from harness.containers.driver import ContainerDriver  # noqa: PLC0415
    from harness.containers.run_resources import RunResources  # noqa: PLC0415

    return ContainerDriver(RunResources.attach(journal), target, images)
