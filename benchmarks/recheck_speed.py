"""How fast all checkers judge a history, and how much they keep, beside parsing its lines alone.

    python -m benchmarks.recheck_speed            # 100,000 and 1,000,000 lines, ten for each export
    python -m benchmarks.recheck_speed 20000 10   # so many exports, so many lines for each

Of each export there are an upload with its key, a request, an insert, a claim with its token, an
end, its final state, its event and its download; more lines for each are more claims that went
silent. Time is CPU time of this process. Memory is what `tracemalloc` counts while everything is
folded, in a run of its own, divided by exports, keys and tokens that were seen.
"""

import argparse
import gc
import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from harness.checkers.recheck import Recheck
from harness.history import read_whole_history
from harness.history.entries import (
    SCHEMA,
    Check,
    Download,
    End,
    Entry,
    Event,
    Harmed,
    Judge,
    Operation,
    Promise,
    State,
    Transition,
    Writer,
)

DRILL, WORKERS, ORGANIZATIONS, AT_ONCE = "load.benchmark", 20, 200, 100
LINES_WITHOUT_SILENCE = 10
STUCK_US = 2_000_000


class Story:
    """Writes the entries of a load without a fault of the backend's."""

    def __init__(self, file: Any, seed: int) -> None:  # noqa: ANN401 - a binary file
        self._file, self._rng, self._i, self._n = file, Random(seed), 0, 0
        self._encode = msgspec.json.Encoder().encode

    def write(self, kind: type[Entry], **fields: Any) -> None:  # noqa: ANN401 - of that kind
        """Write an entry."""
        drill = "" if kind in (Writer, End) else DRILL
        entry = kind(
            i=self._i, t_ns=10**15 + self._i * 1000, writer="b1e2c3d4", drill=drill, **fields
        )
        self._file.write(self._encode(entry) + b"\n")
        self._i += 1

    def step(self, **fields: Any) -> None:  # noqa: ANN401 - of a transition
        """Write a change."""
        self._n += 1
        at_us = 1_700_000_000_000_000 + self._n * STUCK_US  # each change a timeout after the last
        self.write(Transition, n=self._n, at_us=at_us, txid=self._n, **fields)

    def hex(self) -> str:
        """Draw what a digest looks like."""
        return f"{self._rng.getrandbits(128):032x}"

    def uuid(self) -> str:
        """Draw an id."""
        return str(uuid.UUID(int=self._rng.getrandbits(128)))

    def export(self, organization: str, silent: int) -> Iterator[None]:
        """Write the life of one export; others' lines come in between."""
        rng, job, evidence = self._rng, self.uuid(), self.uuid()
        who = {"process": f"user-{rng.randrange(50)}", "org": organization}
        self.write(Operation, type="invoke", f="uploadEvidence", **who)
        self.write(
            Operation,
            type="ok",
            f="uploadEvidence",
            job=evidence,
            key=self.uuid(),
            status=201,
            **who,
        )
        yield
        self.write(
            Operation, type="ok", f="requestExport", job=job, status=202, instance="api-1", **who
        )
        row: dict[str, Any] = {"job": job, "org": organization}
        self.step(**row, new_state="queued", new_attempt=0)
        if silent:
            self.write(Harmed, job=job)
        yield
        token = None
        for attempt in range(1, silent + 2):
            token = self.hex()
            claimed = {"new_attempt": attempt, "new_worker": f"worker-{rng.randrange(WORKERS)}"}
            self.step(
                **row,
                old_state="queued",
                new_state="preparing",
                old_attempt=attempt - 1,
                token=token,
                **claimed,
            )
            yield
            if attempt <= silent:
                self.step(
                    **row,
                    old_state="preparing",
                    new_state="queued",
                    old_attempt=attempt,
                    new_attempt=attempt,
                    old_worker=claimed["new_worker"],
                    heartbeat_us=1,
                    old_token=token,
                )
                yield
        self.step(
            **row,
            old_state="preparing",
            new_state="ready",
            old_attempt=silent + 1,
            new_attempt=silent + 1,
            old_worker="worker-1",
            new_worker="worker-1",
            old_token=token,
            token=token,
        )
        digest = hashlib.sha256(job.encode()).hexdigest()
        self.write(
            Operation, type="ok", f="downloadExport", job=job, sha256=digest, status=200, **who
        )
        yield
        self.write(State, **row, state="ready", attempt=silent + 1)
        self.write(Event, **row, name="export.completed")
        self.write(Download, job=job, status=200, sha256=digest, declared=digest)


def write_history(path: Path, exports: int, silent: int) -> int:
    """Write a history of so many exports; give how many lines it has."""
    with path.open("wb") as file:
        story = Story(file, seed=exports)
        story.write(Writer, schema=SCHEMA, run="r", machine="m", wall_us=1)
        # As many attempts as there are lines for: what is measured is the same, right backend.
        story.write(Promise, cap=3 * AT_ONCE, max_attempts=silent + 3, stuck_timeout_s=1.0)
        organizations = [story.uuid() for _ in range(ORGANIZATIONS)]
        waiting = (story.export(organizations[n % ORGANIZATIONS], silent) for n in range(exports))
        running: list[Iterator[None]] = []
        while True:
            while len(running) < AT_ONCE and (one := next(waiting, None)) is not None:
                running.append(one)
            if not running:
                break
            running = [each for each in running if next(each, running) is not running]
        story.write(Judge, what="the end", ended=True, looked=True, watched=True)
        story.write(Check, observed=exports, needed=1)
        story.write(End)
        return story._i  # noqa: SLF001 - the same module


def judged(path: Path) -> Recheck:
    """Judge a history as `shakedown recheck` does; it must be a pass."""
    again = Recheck()
    for entry in read_whole_history(path):
        again.take(entry)
    [one] = again.end()
    assert one.verdict == "pass", (one.reasons, [look.violations[:3] for look in one.looks])
    return again


def parsed(path: Path) -> None:
    """Read each line with a JSON parser, into what it makes of it, and do nothing else."""
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as file:
        for line in file:
            decode(line)


def cpu_s(function: Callable[[Path], object], path: Path) -> float:
    """CPU seconds of one call."""
    gc.collect()
    began = time.process_time()
    function(path)
    return time.process_time() - began


def kept_bytes(path: Path) -> int:
    """What is still there once all is folded, and at most in between."""
    gc.collect()
    tracemalloc.start()
    again = judged(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del again
    return peak


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("exports", type=int, nargs="?")
    parser.add_argument("lines", type=int, nargs="?", default=LINES_WITHOUT_SILENCE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", metavar="FILE", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        print(kept_bytes(given.memory))
        return
    sizes = [given.exports] if given.exports else [10_000, 100_000]
    with tempfile.TemporaryDirectory() as folder:
        times = [measured(Path(folder) / f"{each}.jsonl", each, given) for each in sizes]
    if len(times) == 2:
        print(f"ten times the lines take {times[1] / times[0]:.1f} times as long")


def measured(path: Path, exports: int, given: argparse.Namespace) -> float:
    """Measure one size, print it, and give its time."""
    silent = max(0, given.lines - LINES_WITHOUT_SILENCE) // 2
    lines = write_history(path, exports, silent)
    alone = statistics.median(cpu_s(parsed, path) for _ in range(given.rounds))
    all_of_it = statistics.median(cpu_s(judged, path) for _ in range(given.rounds))
    command = [sys.executable, "-m", "benchmarks.recheck_speed", "--memory", str(path)]
    peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    things = exports * (3 + silent)  # the export, a key, a token for each claim; not its evidence
    print(
        f"{lines:,} lines, {path.stat().st_size / 1e6:.0f} MB: all checkers {all_of_it:.2f} s, parsing alone "
        f"{alone:.2f} s ({all_of_it / alone:.1f} times); at most {peak / things:.0f} bytes for each of "
        f"{things:,} exports, keys and tokens"
    )
    return all_of_it


if __name__ == "__main__":
    main()
