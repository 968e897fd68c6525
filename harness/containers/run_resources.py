"""What all containers of a run share: the engine, a network of their own, labels, a reaper."""

import os
import socket
from collections.abc import Callable
from typing import Self

from harness.containers.engine import CONFLICT, NOT_FOUND, Engine, explained
from harness.containers.labels import Labels
from harness.containers.leftovers import remove_run
from harness.containers.reaper import Reaper
from harness.containers.threads import until_canceled
from harness.errors import Misconfigured
from harness.machine.journal import Journal, Owner, read_owner


class RunResources:
    """Made by `prepare` in the process that begins a run, by `attach` in its other processes."""

    def __init__(self, engine: Engine, journal: Journal, labels: Labels) -> None:
        self.engine = engine
        self.journal = journal
        self.labels = labels.as_mapping()
        self._marks = labels
        self.network = self.name("net")
        self._entry: str | None = None
        self._reaper: Reaper | None = None

    @classmethod
    async def prepare(cls, journal: Journal, on_progress: Callable[[str], None]) -> Self:
        """Reach the engine and make the run's network.

        Raises `Misconfigured` where there is no engine that may be used.
        """
        engine = await until_canceled(Engine.connect)
        resources = cls(engine, journal, Labels.of_run(journal.run_id, Owner.ours()))
        resources._entry = journal.note("engine", host=engine.host)
        try:
            resources._reaper = await engine.threads.call(Reaper.start, engine, resources._marks)
            if resources._reaper is None:
                on_progress("there is no Ryuk: after a kill -9, clean up with `shakedown recover`")
            await engine.threads.call(resources._make_network)
        except BaseException:
            resources.close()
            raise
        return resources

    @classmethod
    def attach(cls, journal: Journal) -> Self:
        """Use what another process of the run has prepared."""
        owner = read_owner(journal.run_dir)
        assert owner is not None, "a run begins with its owner in the journal"
        return cls(Engine.connect(), journal, Labels.of_run(journal.run_id, owner))

    def name(self, *parts: str) -> str:
        """Give the name of something of this run in the engine."""
        return "-".join(("shakedown", self.journal.run_id, *parts))

    @property
    def user(self) -> str | None:
        """The user that containers write as into a directory of ours; None: the image's.

        Root can remove what they leave there; no other user could.
        """
        return None if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"

    @property
    def harness_host(self) -> str | None:
        """Where containers reach this machine; None where the bridge is not on it."""
        with explained("looking at the run's network"):
            found = self.engine.client.api.inspect_network(self.network)
        for config in found["IPAM"]["Config"] or ():
            gateway = str(config.get("Gateway", "")).partition("/")[0]
            if gateway and _is_ours(gateway):
                return gateway
        return None

    def close(self) -> None:
        """Remove everything of this run from the engine. Blocks until it is gone.

        Raises `Misconfigured` with what could not be removed.
        """
        self.engine.threads.finish()  # what is still being made would be missed
        removal = remove_run(self.engine, self.journal.run_id)
        if self._reaper is not None:
            self._reaper.disconnect()
            self._reaper = None
        self.engine.close()
        if removal.problems:
            raise Misconfigured("\n".join(removal.problems))
        if self._entry is not None:
            self.journal.undone(self._entry)
            self._entry = None

    def _make_network(self) -> None:
        with explained("making the run's network"):
            self.engine.client.api.create_network(
                self.network, driver="bridge", labels=self.labels, check_duplicate=True
            )

    def make_volume(self, name: str, options: dict[str, str] | None = None) -> None:
        """Make a volume of this run; one that is there already stays as it is."""
        with explained(f"making the volume {name}"):
            self.engine.client.api.create_volume(
                name, driver="local", driver_opts=options or {}, labels=self.labels
            )

    def remove_volume(self, name: str) -> None:
        """Remove a volume; one that a container still uses stays until `close`."""
        with explained(f"removing the volume {name}", {NOT_FOUND, CONFLICT}):
            self.engine.client.api.remove_volume(name)


def _is_ours(address: str) -> bool:
    """Say whether a server of ours could listen at this address."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
