"""Which driver and which database server a target asks for."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.instances.plan import Driver
from harness.instances.process_driver import ProcessDriver
from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.system.database_server import DatabaseServer
from harness.target.target import Target

if TYPE_CHECKING:
    from harness.containers.run_resources import RunResources


class Infrastructure:
    """What all systems of a run share: driver, database server, and the resources both stand on."""

    def __init__(
        self, target: Target, run_dir: Path, journal: Journal, on_progress: Callable[[str], None]
    ) -> None:
        self._target = target
        self._run_dir = run_dir
        self._journal = journal
        self._say = on_progress
        self._resources: RunResources | None = None
        self._server: DatabaseServer | None = None

    async def start(self) -> tuple[Driver, DatabaseServer | None]:
        """Give both, the server up and empty; None where the database is not ours.

        Raises `Misconfigured` when one of them cannot be had.
        """
        target = self._target
        if "docker" in {target.driver, target.database.source}:
            # Loaded here: without containers nothing of it is needed.
            from harness.containers.run_resources import RunResources  # noqa: PLC0415

            self._resources = await RunResources.prepare(self._journal, self._say)
        starting = asyncio.ensure_future(self._start_server())
        try:
            driver = await self._make_driver()
            await starting
        finally:
            # Whatever it has made by then must be known to `close`.
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        return driver, self._server

    async def close(self) -> None:
        """Remove what there is, once no system needs it any more."""
        if self._server is not None:
            await self._server.stop()
        if self._resources is not None:
            self._resources.close()

    async def _start_server(self) -> None:
        target = self._target
        if target.database.source == "embedded":
            self._server = await Cluster.start(
                self._run_dir, self._journal, target.database.settings
            )
        elif target.database.source == "docker":
            from harness.containers.database import ContainerDatabase  # noqa: PLC0415

            assert self._resources is not None
            self._server = await ContainerDatabase.start(
                self._resources, target.database, self._say
            )

    async def _make_driver(self) -> Driver:
        if self._target.driver != "docker":
            return ProcessDriver(self._journal)
        assert self._resources is not None
        from harness.containers.driver import ContainerDriver  # noqa: PLC0415

        return await ContainerDriver.with_images(
            self._resources, self._target, self._say, self._run_dir / "logs" / "main"
        )


def attach_driver(target: Target, journal: Journal, images: Mapping[str, str]) -> Driver:
    """Give the driver of a run that another process has begun."""
    if target.driver != "docker":
        return ProcessDriver(journal)
    from harness.containers.driver import ContainerDriver  # noqa: PLC0415
    from harness.containers.run_resources import RunResources  # noqa: PLC0415

    return ContainerDriver(RunResources.attach(journal), target, images)
