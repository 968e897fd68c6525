"""An instance of a backend that runs elsewhere: it can be asked, and nothing can be done to it."""

from dataclasses import dataclass
from typing import NoReturn

from harness.errors import Misconfigured
from harness.instances.description import Instance


@dataclass(frozen=True, kw_only=True)
class ExternalHandle:
    """What driver `external` finds. Every act is refused."""

    instance: Instance

    def is_alive(self) -> bool:
        """It was when the run began; nobody here can look again."""
        return True

    def is_paused(self) -> bool:
        """Nobody here could have paused it."""
        return False

    def resume_command(self) -> tuple[str, ...]:
        """Refused, as pausing it is."""
        self._refuse()

    def exit_code(self) -> int | None:
        """Nobody here can know."""
        return None

    def holds_its_port(self) -> bool:
        """Whoever answers at its address is the backend."""
        return True

    async def kill(self) -> None:
        """Refused."""
        self._refuse()

    async def pause(self) -> None:
        """Refused."""
        self._refuse()

    async def resume(self) -> None:
        """Refused."""
        self._refuse()

    async def stop(self, grace_s: float) -> int | None:  # noqa: ARG002
        """Refused."""
        self._refuse()

    async def disconnect(self) -> None:
        """Refused."""
        self._refuse()

    async def reconnect(self) -> None:
        """Refused."""
        self._refuse()

    def end(self) -> None:
        """Nothing of it is ours to end."""

    def _refuse(self) -> NoReturn:
        raise Misconfigured(
            f"{self.instance.name} at {self.instance.base_url} was not started by the harness; "
            'driver = "external" cannot be controlled'
        )
