"""One container by its name: what can be seen of it and done to it. Every call blocks."""

import time
from typing import Any

from docker.errors import APIError

from harness.containers.engine import CONFLICT, NOT_FOUND, Engine, explained
from harness.containers.logs import LogPump
from harness.errors import Misconfigured

_ENDS_WITHIN_S = 10
_POLL_S = 0.02
_BUSY = 500
"""Its answer if the kernel, on a busy machine, fails to freeze all processes at once."""
_SIGNALS = 128
"""Added by shells and engines to the number of the signal that ended a program."""


class Container:
    """A container by its name, which stays when it is made anew. An act is over when it shows."""

    def __init__(
        self, engine: Engine, name: str, *, network: str, pump: LogPump | None = None
    ) -> None:
        self.engine = engine
        self.name = name
        self._network = network
        self.pump = pump
        """What writes down its output, in the process that started it."""

    def state(self) -> dict[str, Any]:
        """Give the engine's view of it; empty when it is gone."""
        found = {}
        with explained(f"looking at {self.name}", {NOT_FOUND}):
            found = self.engine.client.api.inspect_container(self.name)
        return dict(found)

    def is_alive(self) -> bool:
        """Say whether it runs; a paused one does."""
        return bool(self.state().get("State", {}).get("Running"))

    def is_paused(self) -> bool:
        """Say whether it is frozen."""
        return bool(self.state().get("State", {}).get("Paused"))

    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs, or once it is removed."""
        state = self.state().get("State")
        return None if not state or state["Running"] else as_returncode(int(state["ExitCode"]))

    def kill(self) -> None:
        """SIGKILL everything in it, frozen or not."""
        self.signal("SIGKILL")
        with explained(f"waiting for the end of {self.name}", {NOT_FOUND}):
            self.engine.client.api.wait(self.name, timeout=_ENDS_WITHIN_S)
        if self.pump is not None:
            self.pump.finish()

    def ask_to_end(self) -> None:
        """Send its image's stop signal."""
        self.signal(self.state().get("Config", {}).get("StopSignal") or "SIGTERM")

    def signal(self, name: str) -> None:
        """Send a signal to its first process, if it still runs."""
        with explained(f"sending {name} to {self.name}", {NOT_FOUND, CONFLICT}):
            self.engine.client.api.kill(self.name, name)

    def pause(self, *, paused: bool = True) -> None:
        """Freeze all its processes, or let them run again."""
        api = self.engine.client.api
        end = time.monotonic() + _ENDS_WITHIN_S
        with explained(f"{'pausing' if paused else 'resuming'} {self.name}"):
            while self.is_paused() != paused:
                try:
                    (api.pause if paused else api.unpause)(self.name)
                except APIError as error:
                    if error.status_code != _BUSY or time.monotonic() > end:
                        raise
                    time.sleep(_POLL_S)

    def disconnect(self) -> None:
        """Cut it off from the run's network, published ports included."""
        if self.is_connected():
            with explained(f"disconnecting {self.name}"):
                self.engine.client.api.disconnect_container_from_network(self.name, self._network)

    def reconnect(self) -> None:
        """Connect it to the run's network again, under its name and ports."""
        if not self.is_connected():
            with explained(f"reconnecting {self.name}"):
                self.engine.client.api.connect_container_to_network(self.name, self._network)

    def remove(self) -> None:
        """Kill it and remove it with its anonymous volumes."""
        self.kill()
        with explained(f"removing {self.name}", {NOT_FOUND}):
            self.engine.client.api.remove_container(self.name, force=True, v=True)

    def is_connected(self) -> bool:
        """Say whether it is on the run's network. Raises `Misconfigured` when it is gone."""
        state = self.state()
        if not state:
            raise Misconfigured(f"the container {self.name} was removed")
        return self._network in state["NetworkSettings"]["Networks"]


def as_returncode(exit_code: int) -> int:
    """Give an exit code as Python's subprocess would: -9 for 137."""
    return _SIGNALS - exit_code if _SIGNALS < exit_code < _SIGNALS + 65 else exit_code
