"""The network of one system: proxies between instances and database, and before each API."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from harness.errors import Misconfigured
from harness.instances.database_access import parts_of
from harness.instances.description import Instance
from harness.machine.ports import LOOPBACK
from harness.network.connection import Connection
from harness.network.postgres_conversation import AnswerCut, PostgresConversation
from harness.network.proxy import TcpProxy, start_proxy

_POSTGRES = 5432


class Network:
    """In place before the instances start; closed with their system. Bound to one event loop."""

    def __init__(self, database_url: str | None, host: str) -> None:
        """`host` is where instances reach a server of the harness."""
        self.database: dict[str, TcpProxy] = {}
        """From each instance to the database, by the instance's name; kept over restarts."""
        self.api: dict[str, TcpProxy] = {}
        """From clients to each API instance."""
        self.cuts: dict[str, list[AnswerCut]] = {}
        """The answers that are to be lost, by the instance's name."""
        self._database_url = database_url
        self._host = host

    async def values_for(self, name: str) -> Mapping[str, str]:
        """Give the placeholders by which an instance reaches the database through its own proxy.

        None for a system whose database only its backend knows.
        """
        if self._database_url is None:
            return {}
        place = urlsplit(self._database_url)
        if name not in self.database:
            cuts = self.cuts.setdefault(name, [])
            self.database[name] = await self._proxy(
                f"{name}:database",
                (place.hostname or LOOPBACK, place.port or _POSTGRES),
                self._host,
                cuts,
            )
        proxy = self.database[name]
        login = place.netloc.rpartition("@")[0]
        url = place._replace(netloc=f"{login}@{proxy.host}:{proxy.port}").geturl()
        return {"database_url": url, **parts_of(url)}

    async def address_of(self, instance: Instance) -> str:
        """Give the URL by which clients reach an API instance through its own proxy."""
        place = urlsplit(instance.base_url)
        if instance.name not in self.api:
            server = (place.hostname or LOOPBACK, place.port or 80)
            self.api[instance.name] = await self._proxy(f"{instance.name}:api", server, LOOPBACK)
        proxy = self.api[instance.name]
        return place._replace(netloc=f"{proxy.host}:{proxy.port}").geturl()

    def sessions(self, name: str) -> Mapping[Connection, PostgresConversation]:
        """Give the open database connections of an instance, and what was read of each."""
        return {
            each: each.reads
            for each in self._connections(name)
            if isinstance(each.reads, PostgresConversation)
        }

    async def close(self) -> None:
        """End all of it."""
        for proxy in (*self.api.values(), *self.database.values()):
            await proxy.close()

    def _connections(self, name: str) -> list[Connection]:
        proxy = self.database.get(name)
        return list(proxy.open) if proxy is not None else []

    @staticmethod
    async def _proxy(
        seed: str, server: tuple[str, int], host: str, cuts: list[AnswerCut] | None = None
    ) -> TcpProxy:
        try:
            if cuts is None:
                return await start_proxy(server, host=host, seed=seed)
            reads = lambda: PostgresConversation(cuts=cuts)  # noqa: E731 - made for each connection
            return await start_proxy(server, host=host, seed=seed, reads=reads)
        except OSError as error:
            raise Misconfigured(f"no proxy can listen on {host}: {error.strerror}") from error
