"""The tally of clean runs: how often each drill said what of a backend without a defect.

An entry counts runs of one drill's code on one backend's code, and is dropped when either has changed.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

Load = Literal["idle", "stressed"]
LOADS: tuple[Load, ...] = ("idle", "stressed")
Verdict = Literal["pass", "fail", "inconclusive"]

CERTAINTY = 0.95
"""Of the bound on the rate of false alarms."""

_HEAD = (
    "runs of each drill on backends without a defect; written by python -m benchmarks.clean_runs"
)
_MOST_KEPT = 10
"""Runs that did not pass, of which seed and reason are kept."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What the runs of an entry have in common."""

    target: str
    drill: str
    drill_code: str
    backend_code: str


@dataclass(frozen=True, kw_only=True)
class Ran:
    """One run of a drill."""

    load: Load
    verdict: Verdict
    seconds: float
    seed: int
    why: str = ""
    busy: float = 0
    """Percent of the cores that others used right before it."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Runs under one load."""

    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    seconds: float = 0
    slowest: float = 0
    busy: float = 0
    """Percent of the cores that others used right before a run, at most."""

    @property
    def runs(self) -> int:
        """All runs that were judged."""
        return self.passed + self.failed + self.inconclusive

    def with_run(self, ran: Ran) -> "Counted":
        """Give the count with one run more."""
        return replace(
            self,
            passed=self.passed + (ran.verdict == "pass"),
            failed=self.failed + (ran.verdict == "fail"),
            inconclusive=self.inconclusive + (ran.verdict == "inconclusive"),
            seconds=round(self.seconds + ran.seconds, 1),
            slowest=round(max(self.slowest, ran.seconds), 1),
            busy=round(max(self.busy, ran.busy)),
        )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What was counted for one key."""

    idle: Counted = field(default_factory=Counted)
    stressed: Counted = field(default_factory=Counted)
    not_passed: tuple[str, ...] = ()
    """Verdict, load, seed and reason of the last runs that did not pass."""

    def of(self, load: Load) -> Counted:
        """Give the count of one load."""
        return self.idle if load == "idle" else self.stressed

    def with_run(self, ran: Ran) -> "Entry":
        """Give the entry with one run more."""
        counted = self.of(ran.load).with_run(ran)
        entry = (
            replace(self, idle=counted) if ran.load == "idle" else replace(self, stressed=counted)
        )
        if ran.verdict == "pass":
            return entry
        why = ran.why.strip().partition("\n")[0][:300]
        line = f"{ran.verdict}, {ran.load}, seed {ran.seed}: {why}"
        return replace(entry, not_passed=(*entry.not_passed, line)[-_MOST_KEPT:])


@dataclass(frozen=True, kw_only=True)
class Tally:
    """All entries."""

    entries: Mapping[Key, Entry] = field(default_factory=dict)

    def with_run(self, key: Key, ran: Ran) -> "Tally":
        """Give the tally with one run more."""
        entry = self.entries.get(key, Entry()).with_run(ran)
        return Tally(entries={**self.entries, key: entry})

    def living(self, keys: Sequence[Key]) -> "Tally":
        """Give the entries of these keys; those of other code are dead."""
        return Tally(entries={key: entry for key, entry in self.entries.items() if key in keys})

    def runs(self, key: Key, load: Load) -> int:
        """How many runs were judged."""
        return self.entries.get(key, Entry()).of(load).runs


def as_json(tally: Tally) -> str:
    """Give the tally as text: a line for each entry, in order, so that changes are read line by line."""
    lines = [
        json.dumps({**asdict(key), **asdict(entry)}, ensure_ascii=False)
        for key, entry in sorted(
            tally.entries.items(),
            key=lambda each: (each[0].target, each[0].drill, each[0].drill_code),
        )
    ]
    return "\n".join(
        ["{", f'"about": {json.dumps(_HEAD)},', '"entries": [', ",\n".join(lines), "]", "}", ""]
    )


def parse(text: str) -> Tally:
    """Read what `as_json` wrote; no text is an empty tally. Raises `ValueError` for anything else."""
    if not text.strip():
        return Tally()
    try:
        rows = json.loads(text)["entries"]
        return Tally(entries={Key(**_key_of(row)): _entry_of(row) for row in rows})
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no tally of clean runs: {error!r}") from error


def _key_of(row: Mapping[str, str]) -> dict[str, str]:
    return {name: row[name] for name in ("target", "drill", "drill_code", "backend_code")}


def _entry_of(row: Mapping[str, object]) -> Entry:
    counts = {load: row[load] for load in LOADS}
    not_passed = row["not_passed"]
    assert isinstance(not_passed, list)
    return Entry(
        idle=Counted(**counts["idle"]),  # type: ignore[arg-type]
        stressed=Counted(**counts["stressed"]),  # type: ignore[arg-type]
        not_passed=tuple(map(str, not_passed)),
    )


@contextmanager
def kept(file: Path, living: Sequence[Key]) -> Iterator[list[tuple[Key, Ran]]]:
    """Take runs into the file when the block is left; entries of code that is no more are dropped.

    Several processes may do so at the same time. Raises `ValueError` for a file that is no tally.
    """
    added: list[tuple[Key, Ran]] = []
    try:
        yield added
    finally:
        with file.open("a+", encoding="utf-8") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            opened.seek(0)
            tally = parse(opened.read()).living(living)
            for key, ran in added:
                tally = tally.with_run(key, ran)
            text = as_json(tally)
            opened.seek(0)
            opened.truncate()
            opened.write(text)


def most_false_alarms(counted: Sequence[Counted]) -> str:
    """Say how often a drill may fail on a right backend, by these runs: the bound that holds with `CERTAINTY`.

    Without a failure in n judged runs it is 1 - 0.05^(1/n). An inconclusive run is none of them: it judged nothing.
    """
    passed, failed = sum(each.passed for each in counted), sum(each.failed for each in counted)
    if failed:
        return f"{failed} of {passed + failed} failed"
    return f"{100 * (1 - (1 - CERTAINTY) ** (1 / passed)):.0f} %" if passed else "-"


def table(tally: Tally, keys: Sequence[Key]) -> str:
    """Give the counts of these keys as Markdown, and what of them was never tallied."""
    lines = [
        "| target | drill | idle: pass, fail, inconclusive | stressed | false alarms at most (95 %) | seconds, idle | slowest | cores busy before an idle run, at most |",
        "|---|---|---|---|---|---|---|---|",
    ]
    never: dict[str, list[str]] = {}
    for key in keys:
        entry = tally.entries.get(key)
        if entry is None:
            never.setdefault(key.target, []).append(key.drill)
            continue
        both = (entry.idle, entry.stressed)
        mean = f"{entry.idle.seconds / entry.idle.runs:.1f}" if entry.idle.runs else "-"
        cells = (
            *(key.target, f"`{key.drill}`", *map(_counts, both), most_false_alarms(both), mean),
            *(f"{max(each.slowest for each in both):.1f}", f"{entry.idle.busy:.0f} %"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    lines += [
        f"never tallied as they are now, on {target}: {', '.join(drills)}"
        for target, drills in never.items()
    ]
    for key in keys:
        lines += [
            f"{key.drill} on {key.target}: {each}"
            for each in tally.entries.get(key, Entry()).not_passed
        ]
    return "\n".join(lines)


def _counts(counted: Counted) -> str:
    return f"{counted.passed}, {counted.failed}, {counted.inconclusive}"
