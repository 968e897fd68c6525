"""SQL that reads and changes a backend's own table of exports in the contract's words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from harness.target.tables.claim import OPTIONAL_COLUMNS, Claim, ExportColumn
from harness.target.target import Target

_WORDS = ("state", "error_code")


@dataclass(frozen=True, kw_only=True)
class ExportTable:
    """Gives SQL that shows rows of the table as the contract has them, or changes them."""

    claim: Claim
    words: Mapping[str, Mapping[str, tuple[str, ...]]]
    """By column: the contract's value, and the backend's own, one or several."""
    stuck_timeout_s: float
    """After how long without a sign of life a lease ends."""

    @classmethod
    def of(cls, target: Target) -> "ExportTable | None":
        """Give the table that a target file declares; None where it declares none."""
        if target.claim is None:
            return None
        values = target.contract.values.get("export", {})
        words = {name: values.get(name, {}) for name in _WORDS}
        if target.claim.states:
            words["state"] = target.claim.states
        return cls(
            claim=target.claim,
            words=words,
            stuck_timeout_s=target.worker.stuck_timeout_s if target.worker else 0,
        )

    @property
    def name(self) -> str:
        """The table's name, quoted."""
        return qualified(self.claim.table).as_string(None)

    def needed(self, *columns: ExportColumn) -> frozenset[str]:
        """The columns of the table, by its own names, that showing these takes."""
        wanted = {name: self.claim.column(name) for name in columns}
        if "heartbeat_at" in wanted and self.claim.lease_until:
            wanted["heartbeat_at"] = self.claim.lease_until
        if "claimed_by" in wanted and not wanted["claimed_by"]:
            wanted["claimed_by"] = self.claim.column("claim_token")
        return frozenset(name for name in wanted.values() if name)

    def has(self, column: ExportColumn) -> bool:
        """Whether the table has this column, or a lease in place of a heartbeat."""
        is_lease = column == "heartbeat_at" and self.claim.lease_until is not None
        return is_lease or bool(self.claim.column(column))

    @property
    def id(self) -> str:
        """The column of the export's id, quoted."""
        return self.own("id")

    def own(self, column: ExportColumn) -> str:
        """The table's own name of a column that it has, quoted."""
        return quoted(self.claim.column(column))

    def rows(self, *columns: ExportColumn) -> str:
        """A subquery with these columns of the contract's."""
        shown = ", ".join(f"{self.shown(name, 'own')} AS {name}" for name in columns)
        return f"(SELECT {shown} FROM {self.name} AS own)"  # noqa: S608 - all quoted

    def shown(self, column: ExportColumn, row: str) -> str:
        """An expression for what the contract calls `column`, of the row variable `row`.

        Where no column says who claimed an export, its claim token tells two owners apart.
        """
        if column == "heartbeat_at" and (lease := self.claim.lease_until):
            # A sign of life makes the lease last for the timeout from then on.
            return f"({row}.{quoted(lease)} - interval '{self.stuck_timeout_s:f} seconds')"
        name = self.claim.column(column)
        if column == "claimed_by" and not name and self.claim.column("claim_token"):
            return f"{row}.{self.own('claim_token')}::text"
        if not name:
            return f"NULL::{OPTIONAL_COLUMNS[column]}"
        own = f"{row}.{quoted(name)}"
        cases = " ".join(self._cases(column))
        return f"(CASE {own}::text {cases} ELSE {own}::text END)" if cases else own

    def is_in(self, state: str, row: str) -> str:
        """A condition: the export of the row variable is in this state of the contract's."""
        return f"{self.shown('state', row)}::text = {_literal(state)}"

    def becomes(self, state: str) -> str:
        """An assignment: the export goes to this state of the contract's.

        Where the backend has several words for it, to the first.
        """
        word, *_ = self.words.get("state", {}).get(state) or (state,)
        return f"{self.own('state')} = {_literal(word)}"

    def made_older(self, interval: str) -> str:
        """Assignments: the last sign of life was so much earlier; empty where none is kept."""
        stamps = sorted(self.needed("heartbeat_at", "started_at"))
        return ", ".join(
            f"{quoted(stamp)} = {quoted(stamp)} - interval {_literal(interval)}" for stamp in stamps
        )

    def kept_alive(self) -> str:
        """An assignment: its worker gives a sign of life now. Needs `has("heartbeat_at")`."""
        if lease := self.claim.lease_until:
            seconds = f"{self.stuck_timeout_s:f} seconds"
            return f"{quoted(lease)} = clock_timestamp() + interval {_literal(seconds)}"
        return f"{self.own('heartbeat_at')} = clock_timestamp()"

    def claimed_by_hand(self, worker: str) -> str:
        """Assignments that claim an export as a worker does that changes only these columns."""
        lease = self.claim.lease_until
        values: Mapping[ExportColumn, str] = {
            "attempt": f"{self.own('attempt')} + 1",
            "claimed_by": _literal(worker),
            "claim_token": "gen_random_uuid()",
            "heartbeat_at": "clock_timestamp()",
            "started_at": "clock_timestamp()",
        }
        changes = [
            f"{self.own(column)} = {value}"
            for column, value in values.items()
            if self.claim.column(column) and not (column == "heartbeat_at" and lease)
        ]
        if lease:
            changes.append(f"{quoted(lease)} = clock_timestamp() + interval '1 hour'")
        return ", ".join([self.becomes("preparing"), *changes])

    def set_back_by_hand(self) -> str:
        """Assignments that end a claim and queue its export again, as recovery does.

        Only these columns are changed; the attempt stays.
        """
        ended: tuple[ExportColumn, ...] = ("claimed_by", "claim_token", "heartbeat_at")
        own = [self.claim.column(each) for each in ended]
        if self.claim.lease_until:
            own = [*own[:2], self.claim.lease_until]
        return ", ".join(
            [self.becomes("queued"), *(f"{quoted(each)} = NULL" for each in own if each)]
        )

    def _cases(self, column: str) -> Iterator[str]:
        for meant, words in self.words.get(column, {}).items():
            for word in words:
                yield f"WHEN {_literal(word)} THEN {_literal(meant)}"


def qualified(name: str) -> sql.Identifier:
    """A name that may have a schema in front, as an identifier."""
    return sql.Identifier(*name.split("."))


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return sql.Identifier(name).as_string(None)


def _literal(text: str) -> str:
    return sql.Literal(text).as_string(None)


CONTRACT_EXPORTS = ExportTable(claim=Claim(), words={}, stuck_timeout_s=0)
"""The contract's own table."""
