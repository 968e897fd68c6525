"""The backend's own function that writes the canonical text, where the target file names it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.shared.ledger.stored_ledger import DatabaseFunction
from harness.database import Database
from harness.expect import expect_equal
from harness.system import System
from harness.target import Target


@asynccontextmanager
async def canonical_function(
    target: Target, system: System
) -> AsyncIterator[DatabaseFunction | None]:
    """The function; None where the target names none or gives no control of its database."""
    name = target.ledger.canonical_function if target.ledger else None
    if name is None or system.control_url is None:
        yield None
        return
    async with Database(system.control_url) as database:
        yield DatabaseFunction(database=database, name=name)


def expect_canonical(function: str, expected: str, got: str | None, *, detail: str = "") -> None:
    """Fail unless the function writes the same text as the harness; shown is what differs."""
    expect_equal(got, expected, f"PostgreSQL's canonical text from {function}", detail=detail)
