"""Violations that checkers found, as findings: one for each rule."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from harness.checkers.facts import Transition
from harness.checkers.violations import Violation, failures_of
from harness.plugin.cells import Cells


async def report_violations(
    cells: Cells,
    violations: Sequence[Violation],
    *,
    detail: str = "",
    notes: Mapping[str, str] | None = None,
    transitions: Iterable[Transition] | None = None,
    explained: Collection[str] = (),
    **where: str,
) -> None:
    """Look at one cell, `where`, in which checkers have found these violations, or none.

    Each rule is a finding of its own; see `failures_of` for what counts once.
    """
    failures = failures_of(
        violations, detail=detail, notes=notes, transitions=transitions, explained=explained
    )
    for failure in failures:
        async with cells.of(**where):
            raise failure
    if not failures:
        async with cells.of(**where):
            pass
