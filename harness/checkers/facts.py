"""What checkers judge: facts about exports, read from a database, from HTTP or from a history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from harness.client.answers.record import Record
from harness.vocabulary.events import EXPORT_COMPLETED
from harness.vocabulary.exports import PREPARING


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportFact:
    """An export as it stands at the end."""

    id: str
    state: str
    attempt: int | None
    """None where the backend does not keep it."""
    organization_id: str = ""
    error_code: str | None = None

    @classmethod
    def from_api(cls, export: Mapping[str, Any], organization_id: str = "") -> Self:
        """The fact in an export's data as the API returns it."""
        return cls(
            id=export["id"],
            state=export["state"],
            attempt=None if _lacks(export, "attempt") else export["attempt"],
            organization_id=organization_id,
            error_code=export["error_code"],
        )

    def describe(self) -> str:
        """Say in a few words how it stands."""
        error = f" ({self.error_code})" if self.error_code else ""
        at = "" if self.attempt is None else f" at attempt {self.attempt}"
        return f"{self.state}{error}{at}"


def _lacks(export: Mapping[str, Any], field: str) -> bool:
    """Whether the target declares that its exports have no such field."""
    return isinstance(export, Record) and export.lacks(field)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionFact:
    """An `export.completed` event of the ledger."""

    export_id: str

    @classmethod
    def from_events(cls, events: Iterable[Mapping[str, Any]]) -> list[Self]:
        """Those among the events of a ledger, as the API lists them."""
        return [
            cls(export_id=event["target_id"])
            for event in events
            if event["event_name"] == EXPORT_COMPLETED
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """One change of an export's state, attempt or owner, in the order the database made them."""

    n: int
    """The order. Between transactions that overlap it is the order of the writes."""
    at: datetime
    """The database's clock when the row was written, a moment before the commit."""
    export_id: str
    organization_id: str
    old_state: str | None
    """None for the insert."""
    new_state: str
    old_attempt: int | None
    new_attempt: int | None
    """None where the table does not keep it."""
    old_claimed_by: str | None
    new_claimed_by: str | None
    heartbeat_at: datetime | None = None
    """The last heartbeat before this change, None when there was none."""
    txid: int | None = None
    """The transaction that made the change; None where that is not known."""
    old_token: str | None = None
    token: str | None = None
    """The digests of the row's claim token before and after it; None where none is shown."""

    @property
    def is_claim(self) -> bool:
        """Whether a worker became the owner of the export, rightly or not."""
        return self.new_state == PREPARING and (
            self.old_state != PREPARING
            or self.new_attempt != self.old_attempt
            or self.new_claimed_by != self.old_claimed_by
        )

    def describe(self) -> str:
        """Say what changed, and when by the database's clock."""
        owner = self.new_claimed_by or self.old_claimed_by
        by = f"by {owner}" if owner else ""
        attempt = "" if self.new_attempt is None else f"attempt {self.new_attempt}"
        how = f" ({' '.join(filter(None, (attempt, by)))})" if attempt or by else ""
        return f"{self.old_state or 'nothing'} → {self.new_state}{how} at {self.at:%H:%M:%S.%f}"
