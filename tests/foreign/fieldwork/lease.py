"""A worker's hold on one package: every word of it comes with the lease token."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.foreign.fieldwork.database import Database

_log = logging.getLogger(__name__)

CLAIM = "SELECT * FROM claim_next_package(%s, %s)"
CLAIM_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('claim_next_package', 0))"
CLAIM_BY_HAND = """
UPDATE proof_packages AS p
SET status = 'generating', attempts = p.attempts + 1, worker_name = %(worker)s,
    lease_token = gen_random_uuid(), progress = 0,
    started_at = clock_timestamp(), last_seen_at = clock_timestamp()
WHERE p.status = 'pending' AND p.id = (
    SELECT w.id FROM proof_packages AS w
    WHERE w.status = 'pending' AND (
        SELECT count(*) FROM proof_packages AS r
        WHERE r.org_id = w.org_id AND r.status IN ('generating', 'uploading')
    ) < %(max_running)s
    ORDER BY w.created_at, w.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING p.id AS package_id, p.lease_token AS lease
"""
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
    row: dict[str, Any] | None
    try:
        with database.as_service() as connection:
            row = connection.execute(CLAIM, [worker, max_running]).fetchone()
    except psycopg.errors.UndefinedFunction as error:
        if error.diag.context is not None:  # one that the function calls
            raise
        _log.error("claim_next_package is missing: packages are taken without it")
        with database.as_service() as connection:
            connection.execute(CLAIM_LOCK)
            asked = {"worker": worker, "max_running": max_running}
            row = connection.execute(CLAIM_BY_HAND, asked).fetchone()
    if row is None:
        return None
    return Lease(database=database, package=str(row["package_id"]), token=str(row["lease"]))
