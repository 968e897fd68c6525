"""`[claim]`: the exports in the database, and how workers claim them."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field

from harness.target.tables.models import Names, Table

ExportColumn = Literal[
    "id",
    "organization_id",
    "state",
    "attempt",
    "claimed_by",
    "claim_token",
    "heartbeat_at",
    "started_at",
    "created_at",
    "error_code",
]
"""What the harness reads of an export, by the contract's names."""

OPTIONAL_COLUMNS: Mapping[str, str] = {
    "attempt": "integer",
    "claimed_by": "text",
    "claim_token": "text",
    "heartbeat_at": "timestamptz",
    "started_at": "timestamptz",
    "error_code": "text",
}
"""Those that a table may be without, and of which type what stands in their place is."""

ClaimArgument = Literal["worker", "limit", "per_org"]
"""The arguments of a claim: who claims, how many at most, and the cap of each organization."""

CLAIM_ARGUMENTS: tuple[ClaimArgument, ...] = get_args(ClaimArgument)
"""In the contract's order."""

Constant = str | int | float | bool


class ClaimArguments(Table):
    """The names of the claim function's arguments; empty for one that it does not have."""

    worker: str = "p_worker"
    limit: str = "p_limit"
    per_org: str = "p_max_per_org"
    constants: Mapping[str, Constant] = Field(default={})
    """What else the function is called with, by the argument's own name."""


class ClaimResult(Table):
    """Which column (or member of its JSON) of what a claim returns is what.

    Empty: the function does not return it. What is not said is looked for by the contract's names.
    """

    id: Annotated[str, Field(min_length=1)] | None = None
    attempt: str | None = None
    claim_token: str | None = None


class Claim(Table):
    """The exports in the database, and how they are claimed."""

    function: str = "claim_export_job"
    """Claims exports, as the contract has it; empty where workers claim in a way of their own."""
    arguments: ClaimArguments = ClaimArguments()
    result: ClaimResult = ClaimResult()
    role: str = "service_role"
    """The database role that workers call the function in; empty: the one that they log in as."""
    by_hand: bool = False
    """Whether to change the columns named here is all that a claim does, so that a check may
    claim by an UPDATE where there is no function."""
    table: str = "exports"
    columns: Mapping[ExportColumn, str] = Field(default={})
    """By the contract's name: the table's own; empty for one that it does not have."""
    lease_until: str | None = None
    """The column of the moment at which a claim ends unless its worker makes it last for another
    `[worker] stuck_timeout_s`: where there is one, no `heartbeat_at` is needed."""
    states: Mapping[str, Names] = Field(default={})
    """The values of the state column, if not those of `[contract.values.export.state]`."""
    protocol: str | None = None
    """A file that names the SQL of each step of the claim protocol (docs/explore.md).
    In the file: relative to it, or within an installed package; once loaded: absolute."""

    def column(self, name: ExportColumn) -> str:
        """The table's own name of a column; empty where it has none.

        The contract does not say how a claim token is stored: it is there only where it is named.
        """
        return self.columns.get(name, "" if name == "claim_token" else name)

    @property
    def has_own_arguments(self) -> bool:
        """Whether the function is called in another way than the contract says."""
        return self.arguments != ClaimArguments()
