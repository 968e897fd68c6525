"""What is around the things in answers: `[contract.envelope]`, and that of one operation."""

from typing import Annotated

from pydantic import Field

from harness.target.tables.models import Table

Pointer = Annotated[str, Field(pattern=r"^(/([^~/]|~[01])*)*$")]
"""A JSON Pointer (RFC 6901); `""` is the whole document."""

ParameterName = Annotated[str, Field(min_length=1)]


class Envelope(Table):
    """What is around the things in answers."""

    data: Pointer = "/data"
    items: Pointer = "/data"
    next_cursor: Pointer = "/next_cursor"
    cursor: ParameterName = "cursor"
    """The query parameter that takes a `next_cursor`."""
    limit: ParameterName = "limit"


class OperationEnvelope(Table):
    """What is different around the things of one operation; None is as in all answers."""

    data: Pointer | None = None
    items: Pointer | None = None
    next_cursor: Pointer | None = None
    cursor: ParameterName | None = None
    limit: ParameterName | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The keys that it has."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)

    def over(self, common: Envelope) -> Envelope:
        """The envelope of the operation's answers."""
        return common.model_copy(update={name: getattr(self, name) for name in self.named})
