"""SQL that reads a backend's own table of exports as the contract has it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from harness.target.models import OPTIONAL_COLUMNS, Claim, ExportColumn
from harness.target.target import Target

_WORDS = ("state", "error_code")


@dataclass(frozen=True, kw_only=True)
class ExportTable:
    """Gives SQL that shows rows of the table as the contract has them."""

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

    def needed(self, *columns: ExportColumn) -> frozenset[str]:
        """The columns of the table, by its own names, that showing these takes."""
        wanted = {name: self.claim.columns.get(name, name) for name in columns}
        if "heartbeat_at" in wanted and self.claim.lease_until:
            wanted["heartbeat_at"] = self.claim.lease_until
        return frozenset(name for name in wanted.values() if name)

    @property
    def id(self) -> str:
        """The column of the export's id, quoted."""
        return _quoted(self.claim.columns.get("id", "id"))

    def rows(self, *columns: ExportColumn) -> str:
        """A subquery with these columns of the contract's."""
        shown = ", ".join(f"{self.shown(name, 'own')} AS {name}" for name in columns)
        return f"(SELECT {shown} FROM {self.claim.table} AS own)"  # noqa: S608 - all quoted

    def shown(self, column: ExportColumn, row: str) -> str:
        """An expression for what the contract calls `column`, of the row variable `row`."""
        if column == "heartbeat_at" and (lease := self.claim.lease_until):
            # A sign of life makes the lease last for the timeout from then on.
            return f"({row}.{_quoted(lease)} - interval '{self.stuck_timeout_s:f} seconds')"
        name = self.claim.columns.get(column, column)
        if not name:
            return f"NULL::{OPTIONAL_COLUMNS[column]}"
        own = f"{row}.{_quoted(name)}"
        cases = " ".join(self._cases(column))
        return f"(CASE {own}::text {cases} ELSE {own}::text END)" if cases else own

    def _cases(self, column: str) -> Iterator[str]:
        for meant, words in self.words.get(column, {}).items():
            for word in words:
                yield f"WHEN {_literal(word)} THEN {_literal(meant)}"


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def _literal(text: str) -> str:
    return sql.Literal(text).as_string(None)
