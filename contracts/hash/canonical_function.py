"""The function by which a backend's database writes what it hashes, where the target names one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.shared.ledger.stored_ledger import DatabaseFunction
from harness.database import Database
from harness.expect import expect
from harness.system import System
from harness.target import Target


@asynccontextmanager
async def canonical_function(
    target: Target, system: System
) -> AsyncIterator[DatabaseFunction | None]:
    """The backend's canonical function; None where the target names none or we may not call it."""
    name = target.ledger.canonical_function if target.ledger else None
    if name is None or system.control_url is None:
        yield None
        return
    database = Database(system.control_url)
    try:
        yield DatabaseFunction(database=database, name=name)
    finally:
        await database.close()


def expect_canonical(function: str, expected: str, got: str | None, *, detail: str = "") -> None:
    """Fail unless the backend's canonical function writes what the harness writes."""
    expect(
        got == expected,
        expected=f"{function} to write PostgreSQL's canonical text {expected!r}",
        got=repr(got),
        detail=detail,
    )
