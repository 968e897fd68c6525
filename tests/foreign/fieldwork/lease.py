"""A worker's hold on one package: every word of it comes with the lease token."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.foreign.fieldwork.database import Database

CLAIM = "SELECT * FROM claim_next_package(%s, %s)"
ALIVE = "SELECT package_alive(%s, %s, %s, %s) AS held"
COMPLETED = "SELECT package_completed(%s, %s, %s, %s, %s, %s) AS held"
ERROR = "SELECT package_error(%s, %s, %s, %s) AS held"
RELEASED = "SELECT package_released(%s, %s) AS held"
STUCK = "SELECT take_back_stuck_package(make_interval(secs => %s)) AS found"


class LeaseLost(Exception):
    """The package is not this worker's any more."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """One claimed package."""

    database: Database
    package: str
    token: str
    lost: threading.Event = field(default_factory=threading.Event)

    def say(self, statement: str, *values: object) -> None:
        """Run one of the statements above. Raises `LeaseLost` when it changed nothing."""
        with self.database.as_service() as connection:
            row = connection.execute(statement, [self.package, self.token, *values]).fetchone()
        if row is None or not row["held"]:
            self.lost.set()
            raise LeaseLost(self.package)

    @contextmanager
    def kept(self, every_s: float) -> Iterator[None]:
        """Say every `every_s` seconds that the worker is alive."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(every_s):
                try:
                    self.say(ALIVE, None, None)
                except LeaseLost:
                    return
                except Exception:  # noqa: S112 - the database is away: the next may get through
                    continue

        beating = threading.Thread(target=beat, name=f"alive {self.package}", daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()


def claim(database: Database, worker: str, max_running: int) -> Lease | None:
    """Take the oldest package that may be made now."""
    with database.as_service() as connection:
        row: dict[str, Any] | None = connection.execute(CLAIM, [worker, max_running]).fetchone()
    if row is None:
        return None
    return Lease(database=database, package=str(row["package_id"]), token=str(row["lease"]))
