"""Judges a whole history again: each drill by its own entries, and each writer for gaps."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from harness.checkers.every import EVERY
from harness.checkers.fold import Folding, Judgment
from harness.checkers.violations import Violation
from harness.history.entries import AnyEntry, Check, End, Judge, Writer
from harness.history.writer import PART
from harness.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Look:
    """What every checker said about one cell of a drill."""

    drill: str
    what: str
    judgments: tuple[Judgment, ...]
    after_gaps: frozenset[str] = frozenset()
    """The writers of which a line was missing by then."""
    is_doubtful: bool = False
    """Whether what was found may follow from a missing line, or from those of another run."""

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Everything that was wrong by then."""
        return tuple(found for each in self.judgments for found in each.violations)


@dataclass(frozen=True, kw_only=True)
class Rechecked:
    """What a history says of one check."""

    check: str
    verdict: Verdict
    looks: tuple[Look, ...]
    reasons: tuple[str, ...]
    """Why it is not a pass, without the violations."""

    @property
    def not_looked_at(self) -> dict[str, str]:
        """The checkers that never could look, with what the last look lacked."""
        lacking = {
            each.checker: each.not_looked_at for look in self.looks for each in look.judgments
        }
        looked = {
            each.checker for look in self.looks for each in look.judgments if not each.not_looked_at
        }
        return {name: why for name, why in lacking.items() if name not in looked}


@dataclass(kw_only=True)
class _Writer:
    """How far the lines of one process were followed."""

    next: int = 0
    has_ended: bool = False
    missing: list[str] = field(default_factory=list)
    drills: set[str] = field(default_factory=set)


class Recheck:
    """Takes the entries of a history one by one, and gives the verdicts at its end."""

    def __init__(self) -> None:
        self._foldings: dict[str, Folding] = {}
        self._looks: dict[str, list[Look]] = {}
        self._ends: dict[str, list[Check]] = {}
        self._writers: dict[str, _Writer] = {}
        self._with_gaps: frozenset[str] = frozenset()

    def take(self, entry: AnyEntry) -> None:
        """Take the next entry."""
        writer = self._writers.get(entry.writer)
        if writer is None:
            writer = self._writers[entry.writer] = _Writer()
            if type(entry) is not Writer:
                writer.missing.append("its first line")
                writer.next = entry.i
        if entry.i != writer.next:
            writer.missing.append(_missing_between(writer.next, entry.i))
        if writer.missing:
            self._with_gaps |= {entry.writer}
        writer.next = entry.i + 1
        drill = entry.drill
        if not drill:
            writer.has_ended = type(entry) is End
            return
        folding = self._foldings.get(drill)
        if folding is None:
            folding = self._foldings[drill] = Folding(EVERY)
            self._looks[drill] = []
        writer.drills.add(drill)
        if type(entry) is Check:
            self._ends.setdefault(drill, []).append(entry)
        elif judged := folding.take(entry):
            assert type(entry) is Judge
            self._looks[drill].append(
                Look(
                    drill=drill,
                    what=entry.what,
                    judgments=judged,
                    after_gaps=self._with_gaps,
                    is_doubtful=self._check_of(drill) in self._ends,
                )
            )

    def end(self, *, is_cut: bool = False) -> Iterator[Rechecked]:
        """Give the verdict of each check; `is_cut`: the last line has no end."""
        by_check: dict[str, list[str]] = {}
        for drill in self._foldings:
            by_check.setdefault(self._check_of(drill), []).append(drill)
        for check, drills in by_check.items():
            yield self._verdict(check, drills, is_cut=is_cut)

    def _check_of(self, drill: str) -> str:
        """Give the check of which a drill is the whole or a part: one that has ended.

        The id of a check of one's own may have the same letter in it.
        """
        name = drill
        while name not in self._ends and PART in name:
            name = name.rpartition(PART)[0]
        return name if name in self._ends else drill.partition(PART)[0]

    def _verdict(self, check: str, drills: Iterable[str], *, is_cut: bool) -> Rechecked:
        own = set(drills)
        writers = {label for label, each in self._writers.items() if each.drills & own}
        looks = tuple(
            replace(look, is_doubtful=look.is_doubtful or bool(look.after_gaps & writers))
            for drill in drills
            for look in self._looks[drill]
        )
        reasons = [*self._gaps(writers), *self._incomplete(looks)]
        if is_cut:
            reasons.append("the last line of the file is cut")
        ends = self._ends.get(check, [])
        if not ends:
            reasons.append("the check did not end: its last entry is missing")
        elif len(ends) > 1:
            reasons.append(f"the check ended {len(ends)} times: runs are mixed, or lines repeated")
        for end in ends:
            reasons += _of_end(end)
        has_failed = any(look.violations and not look.is_doubtful for look in looks) or any(
            not each.blocked for end in ends for each in end.found
        )
        verdict = Verdict.INCONCLUSIVE if reasons else Verdict.PASS
        return Rechecked(
            check=check,
            verdict=Verdict.FAIL if has_failed else verdict,
            looks=looks,
            reasons=tuple(reasons),
        )

    def _gaps(self, writers: set[str]) -> Iterator[str]:
        """What is missing of the writers of a check: any of it may have been its own."""
        for label, writer in self._writers.items():
            if label not in writers:
                continue
            for what in writer.missing[:3]:
                yield f"of writer {label} is missing: {what}"
            if not writer.has_ended:
                yield f"writer {label} did not end: what it wrote last may be missing"

    @staticmethod
    def _incomplete(looks: Iterable[Look]) -> Iterator[str]:
        yield from dict.fromkeys(
            each.not_looked_at for look in looks for each in look.judgments if each.is_incomplete
        )


def _missing_between(wanted: int, found: int) -> str:
    """Say what is missing where a line has another number than the one that follows."""
    if found < wanted:
        return f"the order: line {found} after line {wanted - 1}"
    if found == wanted + 1:
        return f"line {wanted}"
    return f"lines {wanted} to {found - 1}"


def _of_end(end: Check) -> Iterator[str]:
    """Why a check is no pass, by what its last entry says."""
    for found in end.found:
        where = ", ".join(f"{name}={value}" for name, value in found.cell.items())
        how = "blocked by" if found.blocked else "found in an answer:"
        yield f"{how} {found.rule}" + (f" ({where})" if where else "")
    yield from end.open
    if end.observed < end.needed and not end.open:
        yield f"observed {end.observed} of the {end.needed} that a pass needs"


def recheck(entries: Iterable[AnyEntry]) -> list[Rechecked]:
    """Judge a whole history that is at hand."""
    again = Recheck()
    for entry in entries:
        again.take(entry)
    return list(again.end())
