"""Who works on a bundle: leases, which end by themselves, and fences, which hold what is late out.

SQLite has one writer at a time. A claim is one `BEGIN IMMEDIATE`, so that nobody else can claim, or
count what is running, between its reading and its writing. All times are by SQLite's clock.
"""

import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any

from tests.foreign.flask.depot import Depot
from tests.foreign.flask.store import IN_SECONDS, NOW, seconds

PICK = """
SELECT id FROM bundles AS waiting
WHERE status = 'new' AND :cap > (
    SELECT count(*) FROM bundles WHERE tenant = waiting.tenant AND status = 'running'
)
ORDER BY place LIMIT 1
"""
TAKE = f"""
UPDATE bundles SET status = 'running', worker = :worker, lease = :lease, lease_until = {IN_SECONDS},
    beat_at = {NOW}, begun_at = coalesce(begun_at, {NOW}), tries = tries + 1, percent = 0
WHERE id = :bundle AND status = 'new' RETURNING *
"""
BEAT = f"""
UPDATE bundles SET lease_until = {IN_SECONDS}, beat_at = {NOW}, percent = :percent
WHERE id = :bundle AND status = 'running' AND lease = :lease
"""
FINISH = f"""
UPDATE bundles SET status = 'finished', lease = NULL, lease_until = NULL, percent = 100,
    ended_at = {NOW}, kept_in = :kept_in, zip_sha256 = :zip_sha256, index_text = :index_text,
    index_sha256 = :index_sha256
WHERE id = :bundle AND status = 'running' AND lease = :lease
"""
FAIL = f"""
UPDATE bundles SET status = 'error', lease = NULL, lease_until = NULL, ended_at = {NOW},
    problem = :problem, problem_text = :problem_text
WHERE id = :bundle AND status = 'running' AND lease = :lease
"""
GIVE_BACK = """
UPDATE bundles SET status = 'new', lease = NULL, lease_until = NULL
WHERE id = :bundle AND status = 'running' AND lease = :lease
"""
EXPIRED = f"SELECT * FROM bundles WHERE status = 'running' AND lease_until < {NOW} ORDER BY place"


class LeaseLost(Exception):
    """The bundle was stopped, or its lease ran out and another worker may have it."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A bundle that is ours for as long as its lease is."""

    bundle: sqlite3.Row
    lease: str

    @property
    def id(self) -> str:
        """The bundle's id."""
        return str(self.bundle["id"])


@dataclass(frozen=True, kw_only=True)
class Made:
    """What an attempt made."""

    kept_in: str
    zip_sha256: str
    index_text: str
    index_sha256: str


@dataclass(frozen=True, kw_only=True)
class Claims:
    """The claims of one worker."""

    depot: Depot
    worker: str

    def next(self) -> Claim | None:
        """Claim the oldest bundle whose tenant has not as many running as it may have."""
        cap = {"cap": self.depot.settings.running_per_tenant}
        with self.depot.store.reading() as connection:
            if connection.execute(PICK, cap).fetchone() is None:
                return None  # so that idle workers do not queue at the one lock
        with self.depot.store.writing() as connection:
            picked = connection.execute(PICK, cap).fetchone()
            return self.take(connection, picked["id"]) if picked else None

    def take(self, connection: sqlite3.Connection, bundle: str) -> Claim | None:
        """Mark a bundle as ours."""
        lease = str(uuid.uuid4())
        values = {"bundle": bundle, "worker": self.worker, "lease": lease, **self._lease_s()}
        row = connection.execute(TAKE, values).fetchone()
        return Claim(bundle=row, lease=lease) if row else None

    def beat(self, claim: Claim, percent: int) -> None:
        """Make the lease last longer. Raises `LeaseLost`."""
        with self.depot.store.writing() as connection:
            self._fenced(connection, BEAT, claim, {"percent": percent, **self._lease_s()})

    def finish(self, connection: sqlite3.Connection, claim: Claim, made: Made) -> None:
        """Make the bundle finished, and tell the journal so. Raises `LeaseLost`."""
        values = {
            "kept_in": made.kept_in,
            "zip_sha256": made.zip_sha256,
            "index_text": made.index_text,
            "index_sha256": made.index_sha256,
        }
        self._fenced(connection, FINISH, claim, values)
        told = {"index_sha256": made.index_sha256, "zip_sha256": made.zip_sha256}
        self._tell(connection, claim.bundle, "bundle.done", told)

    def fail(self, claim: Claim, problem: str, problem_text: str) -> None:
        """End the bundle in an error. Raises `LeaseLost`."""
        with self.depot.store.writing() as connection:
            values = {"problem": problem, "problem_text": problem_text}
            self._fenced(connection, FAIL, claim, values)
            self._tell(connection, claim.bundle, "bundle.broken", {"problem": problem})

    def give_back(self, claim: Claim) -> None:
        """Let another worker have it. Raises `LeaseLost`."""
        with self.depot.store.writing() as connection:
            self._fenced(connection, GIVE_BACK, claim, {})

    def recover(self) -> int:
        """Take bundles from whoever let the lease run out; how many there were.

        One that has had all its tries ends in an error.
        """
        with self.depot.store.reading() as connection:
            if connection.execute(EXPIRED).fetchone() is None:
                return 0
        with self.depot.store.writing() as connection:
            expired = connection.execute(EXPIRED).fetchall()
            for row in expired:
                late = Claim(bundle=row, lease=row["lease"])
                if row["tries"] < row["tries_allowed"]:
                    self._fenced(connection, GIVE_BACK, late, {})
                    continue
                text = f"Nobody finished it in {row['tries']} tries."
                values = {"problem": "gave_up", "problem_text": text}
                self._fenced(connection, FAIL, late, values)
                self._tell(connection, row, "bundle.broken", {"problem": "gave_up"})
        return len(expired)

    def _fenced(
        self, connection: sqlite3.Connection, query: str, claim: Claim, values: dict[str, Any]
    ) -> None:
        changed = connection.execute(
            query, {"bundle": claim.id, "lease": claim.lease, **values}
        ).rowcount
        if changed != 1:
            raise LeaseLost(claim.id)

    def _tell(
        self, connection: sqlite3.Connection, bundle: sqlite3.Row, what: str, told: dict[str, Any]
    ) -> None:
        self.depot.journal.append(
            connection,
            tenant=bundle["tenant"],
            caller=None,
            what=what,
            subject=bundle["id"],
            details={"tries": bundle["tries"], **told},
        )

    def _lease_s(self) -> dict[str, str]:
        return {"seconds": seconds(self.depot.settings.lease_s)}
