"""The output of a `prove` run: the live matrix on a terminal, plain lines in a pipe."""

import time
from pathlib import Path
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.prove.matrix import DefectResult, GateRun, Matrix, State
from harness.prove.runner import Plan
from harness.prove.zoo import Defect
from harness.untrusted.sanitizing import shorten

_MARKS: dict[State, tuple[str, str]] = {
    "killed": ("✔", "green"),
    "survived": ("✘", "bold red"),
    "caught elsewhere": ("~", "bold yellow"),
    "not judged": ("?", "bold yellow"),
}


_LINES, _LINE = 4, 300
"""How much is shown of what a check said; `shakedown run --only` shows all of it."""


class ProgressDisplay:
    """Prints each run and result as it ends; the live matrix is shown until the context ends."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._plan = plan
        self._clean: list[GateRun] = []
        self._running: dict[str, float] = {}
        self._done: dict[str, DefectResult] = {}
        self._live = Live(get_renderable=self._matrix, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        runs = "one run" if self._plan.clean_runs == 1 else f"{self._plan.clean_runs} runs"
        checks = ", ".join(self._plan.clean_checks) or "the whole gate"
        self._say(f"the clean backend first, {runs} of {checks}")
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def clean_run_ended(self, run: GateRun) -> None:
        """Print one run on the clean backend."""
        self._clean.append(run)
        mark = "✔" if run.exit_code == 0 else "✘"
        self._say(f"  {mark} {run.problem or _ids(run.failed) or 'pass'} ({run.seconds:.1f} s)")
        for check, message in run.why.items():
            self._say(f"    {check}: {_shortened(message)}")

    def defect_started(self, defect: Defect) -> None:
        """Note that a defect is being tried."""
        self._running[defect.id] = time.monotonic()

    def defect_ended(self, result: DefectResult) -> None:
        """Print one result: every one in a pipe; on a terminal a mark, and a line if not killed."""
        self._running.pop(result.defect.id, None)
        self._done[result.defect.id] = result
        if not self._live.is_started or result.state != "killed":
            count = f"[{len(self._done)}/{len(self._plan.defects)}]"
            self._say(f"{count} {_line(result)}")

    def so_far(self) -> Matrix:
        """The results so far, in the order of the zoo."""
        results = [self._done[one.id] for one in self._plan.defects if one.id in self._done]
        return Matrix(clean=tuple(self._clean), results=tuple(results))

    def interrupted(self, out: Path) -> None:
        """Print how far it got."""
        tried = f"{len(self._done)} of {len(self._plan.defects)} defects tried"
        self._say(f"\ninterrupted: {tried}; results so far: {out / 'prove.json'}")

    def conclude(self, matrix: Matrix, out: Path) -> None:
        """Print the summary, with each defect that was not killed."""
        killed = sum(result.state == "killed" for result in matrix.results)
        self._say(
            f"\n{killed} of {len(matrix.results)} defects killed by a check that must catch them"
        )
        for result in matrix.results:
            if result.state != "killed":
                self._say(f"  {_line(result)}\n    expected: {_ids(result.defect.expected)}")
        if matrix.never_failed:
            what = "no defect ever failed" if matrix.every_check else "no defect of this zoo fails"
            self._say(f"{what}: {_ids(matrix.never_failed)}")
        if not matrix.clean_passes:
            self._say("the clean backend did not pass: the matrix is not valid")
        self._say(f"{out / 'prove.json'}  {out / 'matrix.md'}")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _matrix(self) -> RenderableType:
        """A row a family, a mark a defect: the whole zoo fits on a small terminal."""
        grid = Table.grid(padding=(0, 2))
        families: dict[str, list[Defect]] = {}
        for defect in self._plan.defects:
            families.setdefault(defect.family, []).append(defect)
        for family, defects in families.items():
            done = sum(defect.id in self._done for defect in defects)
            marks = Text.assemble(*(self._mark(defect) for defect in defects))
            grid.add_row(Text(family), marks, Text(f"{done} of {len(defects)}", style="dim"))
        now = time.monotonic()
        running = [f"{name} ({now - since:.0f} s)" for name, since in self._running.items()]
        trying = f"trying {', '.join(running)}" if running else "none at the moment"
        tried = f"{len(self._done)} of {len(self._plan.defects)} defects tried"
        return Group(grid, Text(f"{tried} · {trying}", style="dim"))

    def _mark(self, defect: Defect) -> tuple[str, str]:
        if defect.id in self._done:
            return _MARKS[self._done[defect.id].state]
        return ("▸", "cyan") if defect.id in self._running else ("·", "dim")


def _line(result: DefectResult) -> str:
    caught = _ids(result.caught_by) or "no check"
    text = f"{result.state}: {result.defect.id} by {caught} ({result.seconds:.1f} s)"
    return f"{text}: {result.problem}" if result.state != "killed" and result.problem else text


def _shortened(message: str) -> str:
    """The first lines of a message, one below the other."""
    lines = [line for line in message.splitlines() if line.strip()]
    more = ["…"] if len(lines) > _LINES else []
    return "\n      ".join([*(shorten(line, _LINE) for line in lines[:_LINES]), *more])


def _ids(ids: tuple[str, ...]) -> str:
    return ", ".join(ids)
