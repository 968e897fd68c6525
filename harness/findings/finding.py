"""A finding: one place where the backend breaks one rule, as a value that every report shows."""

from dataclasses import dataclass

from harness.evidence import Evidence
from harness.findings.fingerprint import Coordinates, fingerprint_of


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule of the contract, broken at one subject, found in one cell of one check."""

    rule: str
    """The rule's id; the check's own id where no other rule was named."""
    subject: str
    """What breaks it, in the contract's words: an operation, a field, a table."""
    cell: Coordinates = ()
    """Where the check looked; empty for a check, or a part of one, without cells."""
    expected: str = ""
    got: str = ""
    detail: str = ""
    message: str = ""
    """All of it as plain text."""
    where: str = ""
    """`file:line` of the check."""
    aspect: str = ""
    """What of the rule: the expectation without values that differ between runs."""
    evidence: tuple[Evidence, ...] = ()
    accepted: str = ""
    """Why it is known and does not count; empty where it counts."""

    @property
    def fingerprint(self) -> str:
        """The same for the same fault in every run: rule, subject, cell and aspect, hashed."""
        return fingerprint_of(self.rule, self.subject, self.cell, self.aspect)


@dataclass(frozen=True, kw_only=True)
class CellCounts:
    """How the cells of a check ended."""

    looked_at: int = 0
    """Cells that were looked at and clean."""
    findings: int = 0
    blocked: int = 0
    """Cells that need something which could not be made."""
    not_looked_at: int = 0
    absent: int = 0
    """Cells that need what the target declares absent."""
    absent_names: tuple[tuple[str, int], ...] = ()
    """What that is, and how many cells need it: a bounded number."""
    reasons: tuple[tuple[str, int], ...] = ()
    """Why cells were not looked at, and how many each: a bounded number of reasons."""
    clean: tuple[str, ...] = ()
    """Short hashes of the cells that were looked at and clean, for `--baseline`."""

    @property
    def total(self) -> int:
        """All cells that the check reached, those that were taken away among them."""
        return self.judged + self.blocked + self.not_looked_at + self.absent

    @property
    def judged(self) -> int:
        """Cells with an answer, clean or not."""
        return self.looked_at + self.findings


NO_CELLS = CellCounts()
"""Of a check that reached none."""
