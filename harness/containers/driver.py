"""The backend's programs in containers on the run's network, published on loopback."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from docker.errors import APIError
from docker.types import Mount

from harness.containers.container import Container
from harness.containers.database import ADDRESS
from harness.containers.engine import explained
from harness.containers.handle import ContainerHandle
from harness.containers.images import images_of
from harness.containers.logs import LogPump
from harness.containers.run_resources import RunResources
from harness.containers.threads import until_canceled
from harness.instances.description import Instance, Role
from harness.instances.handle import InstanceHandle
from harness.instances.plan import Driver, KeySet, Plan, PortTaken
from harness.machine.logs import describe_end
from harness.machine.ports import LOOPBACK
from harness.target.tables.models import Api, Migrate
from harness.target.target import Target
from harness.waiting import becomes_true

PORT = 8000
"""Where an instance listens inside its container, unless its image insists on another port."""
STORAGE = "/storage"
"""Where the system's shared storage is inside a container."""
KEYS = "/token-keys"
"""Where the file of public keys is inside a container, for a target that asks for `{jwks_file}`."""
_POLL_S = 0.02
_TAKEN = ("port is already allocated", "address already in use")


class ContainerDriver(Driver):
    """Starts each instance in a container of its own."""

    def __init__(self, resources: RunResources, target: Target, images: Mapping[str, str]) -> None:
        self.images = images
        self._resources = resources
        self._threads = resources.engine.threads
        self._stores = target.storage is not None or target.mentions("storage_dir")

    @classmethod
    async def with_images(
        cls,
        resources: RunResources,
        target: Target,
        on_progress: Callable[[str], None],
        log_dir: Path,
    ) -> Self:
        """Find, pull or build what the target runs. Raises `Misconfigured`."""
        images = await until_canceled(
            images_of, resources.engine, target, on_progress, log_dir / "build.log"
        )
        return cls(resources, target, images)

    @property
    def harness_host(self) -> str | None:
        """The gateway of the run's network, where that is on this machine."""
        return self._resources.harness_host

    def values(self, database_url: str | None, storage_dir: Path | None) -> dict[str, str]:
        """Within a container the interpreter, the addresses and the paths are others."""
        values = {"python": "python", "host": "0.0.0.0"}  # noqa: S104 - of the container, not ours
        if database_url is not None:
            values["database_url"] = _at(database_url, ADDRESS)
        if storage_dir is not None:
            values["storage_dir"] = STORAGE
        return values

    def seen(self, keys: KeySet) -> dict[str, str]:
        """The file of public keys is mounted into every container."""
        return {**super().seen(keys), "jwks_file": f"{KEYS}/{keys.file.name}"}

    async def prepare(self, plan: Plan) -> None:
        """Make the volume that the containers of a system share; the harness sees it too."""
        if not self._stores:
            return
        assert plan.storage_dir is not None
        # For any user that they run as; the directory around it is closed to all others.
        plan.storage_dir.chmod(0o777)
        options = {"type": "none", "o": "bind", "device": str(plan.storage_dir)}
        await self._threads.call(self._resources.make_volume, self._volume(plan), options)

    async def start(
        self, plan: Plan, name: str, role: Role, extra: Mapping[str, str], port: int
    ) -> ContainerHandle:
        """Create and start an instance's container."""
        table = plan.table(role)
        inner = (table.port if isinstance(table, Api) else None) or PORT
        command, environment = plan.filled_in(table, {"port": str(inner), "instance": name})

        def make() -> ContainerHandle:
            container = self._create(
                plan,
                name,
                command,
                {**environment, **extra},
                image=self.images[role],
                ports={f"{inner}/tcp": (LOOPBACK, port)},
                **self._shared(plan, storage=self._stores),
            )
            self._start(container)
            process = self._resources.engine.process_of(container.name)
            instance = plan.instance(name, role, port, extra, process, container.name)
            return ContainerHandle(instance=instance, container=container)

        return await self._threads.make(make, ContainerHandle.end)

    def attach(self, instance: Instance) -> ContainerHandle:
        """Control a container that another process of the run has started."""
        assert instance.container is not None
        container = Container(
            self._resources.engine, instance.container, network=self._resources.network
        )
        return ContainerHandle(instance=instance, container=container)

    async def migrate(self, plan: Plan, program: Migrate) -> str:
        """Run the program in a container of its own; all it started ends with it."""
        command, environment = plan.filled_in(program, {})
        image = self.images["migrate"]

        def make() -> Container:
            shared = self._shared(plan, storage=False)
            container = self._create(plan, "migrate", command, environment, image=image, **shared)
            self._start(container)
            return container

        async def has_ended() -> bool:
            return await self._threads.call(container.exit_code) is not None

        container = await self._threads.make(make, Container.remove)
        try:
            if not await becomes_true(has_ended, program.timeout_s, poll_s=_POLL_S):
                return f"did not end within {program.timeout_s:g} s"
            code = await self._threads.call(container.exit_code)
        finally:
            container.remove()
        return describe_end(code) if code else ""

    def end_all(self, running: Sequence[InstanceHandle]) -> None:
        """Remove all containers side by side; each takes some 0.3 s."""
        if running:
            with ThreadPoolExecutor(len(running)) as pool:
                for ending in [pool.submit(one.end) for one in running]:
                    ending.result()

    def clear(self, plan: Plan) -> None:
        """Remove the system's volume; what was stored is in the harness's own directory."""
        if self._stores:
            self._resources.remove_volume(self._volume(plan))

    def _volume(self, plan: Plan) -> str:
        return self._resources.name(plan.name, "storage")

    def _create(
        self,
        plan: Plan,
        name: str,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        image: str,
        **options: Any,  # noqa: ANN401 - of the client library
    ) -> Container:
        resources, full_name = self._resources, self._resources.name(plan.name, name)
        with explained(f"creating {full_name}"):
            resources.engine.client.containers.create(
                image,
                list(command) or None,
                name=full_name,
                environment={**_defect_of(plan.target), **environment},
                labels=resources.labels,
                network=resources.network,
                # The harness itself asks; a probe a second in each container costs a core.
                healthcheck={"test": ["NONE"]},
                **options,
            )
        pump = LogPump(resources.engine, full_name, plan.log_path(name))
        return Container(resources.engine, full_name, network=resources.network, pump=pump)

    def _shared(self, plan: Plan, *, storage: bool) -> dict[str, Any]:
        """Give the options that let a container use the system's storage, and the public keys."""
        mounts: list[Mount] = []
        if plan.keys is not None and plan.target.mentions("jwks_file"):
            mounts.append(Mount(KEYS, str(plan.keys.file.parent), type="bind", read_only=True))
        if not storage:
            return {"mounts": mounts}
        # Volumes that are empty are filled from the image and given its owner, unless no_copy.
        mounts.append(Mount(STORAGE, self._volume(plan), type="volume", no_copy=True))
        return {"mounts": mounts, "user": self._resources.user}

    def _start(self, container: Container) -> None:
        try:
            with explained(f"starting {container.name}"):
                try:
                    self._resources.engine.client.api.start(container.name)
                except APIError as error:
                    if any(words in str(error) for words in _TAKEN):
                        raise PortTaken(str(error.explanation)) from error
                    raise
        except BaseException:
            container.remove()
            raise


def _defect_of(target: Target) -> dict[str, str]:
    """Give the defect that is switched on around us: containers inherit nothing else."""
    defect = os.environ.get(target.zoo.variable) if target.zoo else None
    return {target.zoo.variable: defect} if target.zoo and defect else {}


def _at(url: str, address: str) -> str:
    """Give the same DSN with another host and port."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@{address}" if login else address))
