"""`[[accepted]]` and `[[allow_inconclusive]]`: what the team knows of its backend, and why."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from harness.target.tables.models import Table

Reason = Annotated[str, Field(min_length=1)]


class Accepted(Table):
    """Findings that are known and do not count: one by its fingerprint, or several by patterns."""

    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None = None
    rule: str = "*"
    """Pattern over rule ids, such as `header.*`."""
    subject: str = "*"
    """Pattern over subjects, such as `getJob*`."""
    check: str = "*"
    """Pattern over check ids."""
    reason: Reason
    until: date | None = None
    """The last day on which it is accepted."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.fingerprint is None and self.rule == self.check == self.subject == "*":
            raise ValueError("name a fingerprint, a rule, a subject or a check: this accepts all")
        if self.fingerprint is not None and not self.rule == self.check == self.subject == "*":
            raise ValueError("a fingerprint is enough: remove rule, subject and check")
        return self

    @property
    def named(self) -> str:
        """What it accepts, in a few words."""
        return self.fingerprint or f"rule {self.rule}, subject {self.subject}, check {self.check}"


class AllowedGap(Table):
    """A check that may be inconclusive, and why."""

    check: Annotated[str, Field(min_length=1)]
    """A check's id, or a pattern such as `tenancy.*`."""
    reason: Reason
