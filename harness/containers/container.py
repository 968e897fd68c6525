"""One container: what can be seen of it and done to it, each act done when it shows."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from docker.errors import APIError, NotFound

from harness.containers.engine import Engine, explained
from harness.containers.logs import LogPump
from harness.errors import Misconfigured
from harness.instances.handle import until_shows

_ENDS_WITHIN_S = 10
_POLL_S = 0.02
_NOT_SO = 409
"""The engine's answer to an act that does not fit the state: it does not run, is paused already."""
_SIGNALS = 128
"""Added by shells and engines to the number of the signal that ended a program."""


class Container:
    """A container by its name; the name stays when it is made anew."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        *,
        network: str,
        aliases: Sequence[str] = (),
        pump: LogPump | None = None,
    ) -> None:
        self.engine = engine
        self.name = name
        self._network = network
        self._aliases = list(aliases)
        self.pump = pump
        """What writes down its output, in the process that started it."""

    def state(self) -> dict[str, Any]:
        """Give the engine's view of it; empty when it is gone."""
        with explained(f"looking at {self.name}"):
            try:
                return dict(self.engine.client.api.inspect_container(self.name))
            except NotFound:
                return {}

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
        """SIGKILL everything in it, frozen or not. Blocks until it does not run."""
        self._signal("SIGKILL")
        with explained(f"waiting for the end of {self.name}"):
            try:
                self.engine.client.api.wait(self.name, timeout=_ENDS_WITHIN_S)
            except NotFound:
                return
        if self.pump is not None:
            self.pump.finish()

    async def pause(self) -> None:
        """Freeze all its processes."""
        await self.engine.threads.call(self._act, "pausing", self.engine.client.api.pause)
        await until_shows(
            lambda: self.engine.threads.call(self.is_paused), f"{self.name} to stand still"
        )

    async def resume(self) -> None:
        """Let its processes go on."""
        await self.engine.threads.call(self._act, "resuming", self.engine.client.api.unpause)

        async def runs() -> bool:
            return not await self.engine.threads.call(self.is_paused)

        await until_shows(runs, f"{self.name} to go on")

    async def stop(self, grace_s: float) -> int | None:
        """Send its image's stop signal, kill it after the grace; give its exit code."""
        state = await self.engine.threads.call(self.state)
        wanted = state.get("Config", {}).get("StopSignal") or "SIGTERM"
        await self.engine.threads.call(self._signal, wanted)
        end = time.monotonic() + grace_s
        while await self.engine.threads.call(self.is_alive) and time.monotonic() < end:
            await asyncio.sleep(_POLL_S)
        await self.engine.threads.call(self.kill)
        return await self.engine.threads.call(self.exit_code)

    async def disconnect(self) -> None:
        """Cut it off from the run's network, published ports included."""
        await self.engine.threads.call(self._leave)

        async def is_cut_off() -> bool:
            return not await self.engine.threads.call(self._is_connected)

        await until_shows(is_cut_off, f"{self.name} to be cut off")

    async def reconnect(self) -> None:
        """Give it the network back, under the names and ports it had."""
        await self.engine.threads.call(self._join)
        await until_shows(
            lambda: self.engine.threads.call(self._is_connected), f"{self.name} to be connected"
        )

    def remove(self) -> None:
        """Kill it and remove it with its anonymous volumes. Blocks until it is gone."""
        self.kill()
        with explained(f"removing {self.name}"):
            try:
                self.engine.client.api.remove_container(self.name, force=True, v=True)
            except NotFound:
                return

    def _signal(self, name: str) -> None:
        with explained(f"sending {name} to {self.name}"):
            try:
                self.engine.client.api.kill(self.name, name)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != _NOT_SO:  # it does not run any more
                    raise

    def _act(self, doing: str, act: Any) -> None:  # noqa: ANN401 - a method of the client library
        paused = doing == "pausing"
        end = time.monotonic() + _ENDS_WITHIN_S
        with explained(f"{doing} {self.name}"):
            while True:
                try:
                    act(self.name)
                except APIError as error:
                    if error.status_code in {_NOT_SO, 500} and self.is_paused() == paused:
                        return
                    # 500: on a busy machine the kernel may fail to freeze all of them at once.
                    if error.status_code != 500 or time.monotonic() > end:
                        raise
                else:
                    return
                time.sleep(_POLL_S)

    def _leave(self) -> None:
        if self._is_connected():
            with explained(f"disconnecting {self.name}"):
                self.engine.client.api.disconnect_container_from_network(self.name, self._network)

    def _join(self) -> None:
        if not self._is_connected():
            with explained(f"reconnecting {self.name}"):
                self.engine.client.api.connect_container_to_network(
                    self.name, self._network, aliases=self._aliases
                )

    def _is_connected(self) -> bool:
        state = self.state()
        if not state:
            raise Misconfigured(f"{self.name} is not there any more")
        return self._network in state["NetworkSettings"]["Networks"]


def as_returncode(exit_code: int) -> int:
    """Give an exit code as Python's subprocess would: -9 for 137."""
    return _SIGNALS - exit_code if _SIGNALS < exit_code < _SIGNALS + 65 else exit_code
