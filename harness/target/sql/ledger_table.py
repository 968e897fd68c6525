"""SQL that reads a backend's own ledger as the contract has it."""

from dataclasses import dataclass

from psycopg import sql

from harness.target.tables.ledger import Ledger

_TYPES = {"ledger_seq": "bigint"}
"""Of which type what stands in the place of a column that the table does not have is; or text."""


@dataclass(frozen=True)
class LedgerTable:
    """Gives names and expressions for SQL, all quoted."""

    ledger: Ledger

    @property
    def name(self) -> str:
        """The table."""
        return self.ledger.table

    def has(self, column: str) -> bool:
        """Whether the table has what the contract calls so."""
        return bool(self.ledger.own_column(column))

    def column(self, column: str) -> str:
        """A column by its name in the contract, or NULL."""
        own = self.ledger.own_column(column)
        return quoted(own) if own else f"NULL::{_TYPES.get(column, 'text')}"

    def text(self, column: str) -> str:
        """The same as text."""
        return f"{self.column(column)}::text"

    @property
    def place(self) -> str:
        """An expression for an event's place in its chain: its number, or its place in order."""
        if self.ledger.order_by:
            return f"dense_rank() OVER (ORDER BY {', '.join(map(quoted, self.ledger.order_by))})"
        return self.column("ledger_seq")

    def of(self, organization: str = "organization_id") -> str:
        """A condition on rows: those of one organization, given as this parameter."""
        return f"{self.column('organization_id')} = %({organization})s"


def quoted(name: str) -> str:
    """A column's name, quoted for SQL with parameters; one that is quoted already stays."""
    own = name if name.startswith('"') else sql.Identifier(name).as_string(None)
    return own.replace("%", "%%")
