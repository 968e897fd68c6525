"""All limits of time are the defaults of driver and kernel: minutes, or none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import InterfaceError, OperationalError
from psycopg.conninfo import make_conninfo

from reference_backend import database
from reference_backend.database import DatabaseUnavailable, Role
from reference_backend.defects import Defect
from reference_backend.settings import Settings

_connection_info = database.connection_info


@asynccontextmanager
async def _available(timeout_s: float) -> AsyncIterator[None]:
    del timeout_s
    try:
        yield
    except (OperationalError, InterfaceError, TimeoutError) as error:
        raise DatabaseUnavailable(f"the database did not answer: {error!r}") from error


def _info(settings: Settings, *, role: Role | None = None) -> str:
    return make_conninfo(_connection_info(settings, role=role), tcp_user_timeout=0)


def _patch() -> None:
    database._available = _available  # noqa: SLF001
    database.connection_info = _info


DEFECT = Defect(
    title="No request has a limit of time at the database: where packets are lost it waits for minutes",
    source="known: psycopg, asyncpg and libpq without timeouts; a failover that drops packets",
    expected=("chaos.database-cut",),
    patch=_patch,
)
