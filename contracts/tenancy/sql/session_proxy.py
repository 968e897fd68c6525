"""A proxy between a backend and PostgreSQL that reads what each session is left with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from contracts.tenancy.sql.session_conversation import SessionConversation, SessionLog
from harness.machine.ports import LOOPBACK
from harness.network.proxy import open_proxy


@asynccontextmanager
async def session_proxy(
    database_url: str, host: str = LOOPBACK
) -> AsyncIterator[tuple[str, SessionLog]]:
    """Yield the URL of the same database through the proxy, and the log of what it sees.

    `host` is the address to listen on, which the backend must be able to reach.
    """
    place = urlsplit(database_url)
    if place.hostname is None:
        raise ValueError("the URL of a database has a host")
    seen = SessionLog()
    server = (place.hostname, place.port or 5432)
    async with open_proxy(server, host=host, reads=lambda: SessionConversation(seen)) as proxy:
        credentials = place.netloc.rpartition("@")[0]
        yield place._replace(netloc=f"{credentials}@{host}:{proxy.port}").geturl(), seen
