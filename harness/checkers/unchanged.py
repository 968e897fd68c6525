"""Did nothing change that must not: no export and no event, after all was finished?"""

from collections.abc import Iterator, Mapping

from harness.checkers.as_entries import FIXED
from harness.checkers.entry_examples import EntryExample, entry_example
from harness.checkers.fold import Checker, Facts, NotLookedAt, Taker
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Judge, Record


class Unchanged(Checker):
    """What was recorded before is the same afterwards, and nothing is new or gone."""

    name = "unchanged"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._before: dict[str, str] = {}
        self._after: dict[str, str] = {}

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Records of before and after."""
        return {Record: self._take}

    def _take(self, record: Record, _: int) -> None:
        (self._after if record.after else self._before)[record.what] = record.sha256

    def violations(self, judge: Judge) -> Iterator[Violation]:  # noqa: ARG002 - every checker's
        """Give each record that is not as it was."""
        if not self._before or not self._after:
            raise NotLookedAt("nothing was recorded before and after")
        for what in sorted(self._before.keys() | self._after.keys()):
            then, now = self._before.get(what), self._after.get(what)
            if then != now:
                yield Violation(
                    rule="changed-by-stale",
                    subject=what,
                    expected=f"{what} to stay as it was when all was finished",
                    got="it is gone" if now is None else "it is new" if then is None else "changed",
                )


def recorded(before: Mapping[str, str], after: Mapping[str, str]) -> list[Entry]:
    """Build the records of before and after."""
    return [
        Record(what=what, sha256=sha256, after=is_after, **FIXED)
        for is_after, records in ((False, before), (True, after))
        for what, sha256 in records.items()
    ]


ACCEPTS: tuple[EntryExample, ...] = (
    entry_example("the same", recorded({"export e1": "a"}, {"export e1": "a"})),
)

REJECTS: tuple[EntryExample, ...] = (
    entry_example("changed", recorded({"e1": "a"}, {"e1": "b"}), rule="changed-by-stale"),
    entry_example("gone", recorded({"e1": "a", "e2": "a"}, {"e1": "a"}), rule="changed-by-stale"),
    entry_example("new", recorded({"e1": "a"}, {"e1": "a", "e2": "a"}), rule="changed-by-stale"),
)
