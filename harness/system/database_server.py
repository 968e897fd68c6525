"""The server that the database of a system is on, and what can be done to it."""

from typing import Protocol

from harness.postgres.server import SUPERUSER


class DatabaseServer(Protocol):
    """PostgreSQL of our own: embedded, or in a container.

    Whatever is done to it shows when the call returns. All systems of a run share it.
    """

    @property
    def version(self) -> str:
        """As the server tells it, such as `18.4`."""

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """Give the DSN of a database as the harness reaches it."""

    def is_alive(self) -> bool:
        """Say whether the server runs; a paused one does."""

    async def rename_blank(self, name: str) -> None:
        """Turn the empty database that it came with into one of this name."""

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database owned by the backend's role: empty, or a clone of another one."""

    def kill(self) -> None:
        """SIGKILL the server and all its processes; the data stays. Blocks until they are gone."""

    async def shut_down(self, grace_s: float) -> None:
        """Ask it to end in good order, kill it after the grace; `restart` brings it back."""

    async def pause(self) -> None:
        """Freeze it: connections stay open, nothing answers."""

    async def resume(self) -> None:
        """Let it go on."""

    async def restart(self) -> None:
        """End it, if it still runs, and start it again on the same data and port."""

    async def disconnect(self) -> None:
        """Cut it off from the network; `Misconfigured` where it has none of its own."""

    async def reconnect(self) -> None:
        """Give it the network back."""

    async def stop(self) -> None:
        """End it and remove its data; safe to call twice, and after `kill`."""
