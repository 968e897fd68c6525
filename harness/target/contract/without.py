"""`[contract.without]`: what a backend does not have besides operations and fields."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from harness.target.tables.models import Table

Lists = Annotated[
    Literal[True] | tuple[str, ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
]
"""`true`: every list; else the operationIds of some."""

_NAME = Annotated[str, Field(min_length=1)]


class Without(Table):
    """What the backend does not have: it takes cells of checks away, not whole checks."""

    headers: tuple[_NAME, ...] = ()
    """Headers of requests or answers: `Location`, or of one operation `createJob.Location`."""
    export_types: tuple[_NAME, ...] = ()
    """Types of exports, by the contract's names."""
    parameters: tuple[_NAME, ...] = ()
    """Members of a query, body or form: `listLedgerEvents.target_id`."""
    pages: Lists = ()
    """Lists that are given whole, without `limit` and cursor."""
    order: Lists = ()
    """Lists of which the order is not promised."""

    def header(self, name: str, operation_id: str) -> bool:
        """Whether a header is absent; `name` in any case."""
        return bool({name.lower(), f"{operation_id}.{name}".lower()} & set(self._headers))

    def parameter(self, name: str, operation_id: str) -> bool:
        """Whether a member of an operation's query, body or form is absent."""
        return f"{operation_id}.{name}" in self.parameters

    def has_no_pages(self, operation_id: str) -> bool:
        """Whether a list is given whole."""
        return self.pages is True or operation_id in self.pages

    def has_no_order(self, operation_id: str) -> bool:
        """Whether a list is in no promised order."""
        return self.order is True or operation_id in self.order

    @property
    def _headers(self) -> tuple[str, ...]:
        return tuple(each.lower() for each in self.headers)


NOTHING_WITHOUT = Without()
