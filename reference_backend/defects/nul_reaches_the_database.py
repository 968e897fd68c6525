"""Text is passed on unchecked, though PostgreSQL does not store NUL."""

import psycopg

from reference_backend.api import bodies, problems
from reference_backend.defects import Defect


def _patch() -> None:
    def require_text(value: object, field: str, *, max_length: int | None = None) -> str:
        if not isinstance(value, str):
            raise problems.invalid(field, "must be a string")
        if max_length is not None and len(value) > max_length:
            raise problems.invalid(field, f"must have at most {max_length} characters")
        return value

    class NothingElse(Exception):
        """What is left of the clause that turned the database's refusals into a 400."""

    bodies.require_text = require_text
    psycopg.DataError = NothingElse  # type: ignore[misc,assignment]


DEFECT = Defect(
    title="A NUL character in a title or a filter is a 500",
    source="known: PostgreSQL has no NUL in text or jsonb; H5",
    expected=("contract.fuzz", "contract.problem-details"),
    patch=_patch,
)
