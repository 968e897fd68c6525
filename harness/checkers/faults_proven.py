"""Did the faults of a drill happen, as somebody else saw them?"""

from collections.abc import Mapping

from harness.checkers.fold import Checker, Facts, Incomplete, NotLookedAt, Taker
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Judge, Operation

REQUESTED, EFFECT = "requested", "effect"
HEAL = "heal-"
"""How the labels of healing begin: what follows in a drill shows whether it succeeded."""


class FaultsProven(Checker):
    """Every fault that was asked for was seen by somebody else.

    This is no sentence of the contract: without it a drill has shown nothing.
    """

    name = "faults-proven"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._proven: dict[tuple[str, str | None], bool] = {}
        self._why: dict[tuple[str, str | None], str] = {}

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """The steps of faults."""
        return {Operation: self._take}

    def _take(self, entry: Operation, _: int) -> None:
        fault = (entry.f, entry.worker)
        if entry.step == REQUESTED and not entry.f.startswith(HEAL):
            self._proven[fault] = False
        elif entry.step == EFFECT and entry.type == "ok" and not entry.f.startswith(HEAL):
            self._proven[fault] = True
        if entry.step and entry.error:
            self._why[fault] = entry.error

    def violations(self, judge: Judge) -> list[Violation]:  # noqa: ARG002 - every checker's
        """Raise `Incomplete` where a fault was not proven to its last step."""
        unproven = [fault for fault, is_proven in self._proven.items() if not is_proven]
        if unproven:
            raise Incomplete(f"nobody saw the effect of {', '.join(map(self._named, unproven))}")
        if not self._proven:
            raise NotLookedAt("no fault was injected")
        return []

    def _named(self, fault: tuple[str, str | None]) -> str:
        why = self._why.get(fault)
        return f"{fault[0]} of {fault[1]}" + (f" ({why})" if why else "")
