"""What a person sees of a `prove` run: the live matrix on a terminal, plain lines in a pipe."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.prove.matrix import GateRun, Matrix, State, Trial
from harness.prove.trials import Plan
from harness.prove.zoo import Defect

_MARKS: dict[State, tuple[str, str]] = {
    "killed": ("✔", "green"),
    "survived": ("✘", "bold red"),
    "caught elsewhere": ("~", "bold yellow"),
    "not judged": ("?", "bold yellow"),
}


class Show:
    """Tells of each run and trial as it ends; the live matrix lasts as long as the context."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._plan = plan
        self._clean: list[GateRun] = []
        self._running: dict[str, float] = {}
        self._done: dict[str, Trial] = {}
        self._live = Live(get_renderable=self._matrix, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._say(f"the clean backend first: {self._plan.clean_runs} run(s) of the gate")
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def clean(self, run: GateRun) -> None:
        """Tell of one run on the clean backend."""
        self._clean.append(run)
        mark = "✔" if run.exit_code == 0 else "✘"
        self._say(f"  {mark} {run.problem or _ids(run.failed) or 'pass'} ({run.seconds:.1f} s)")

    def begin(self, defect: Defect) -> None:
        """Take note that a defect is being tried."""
        self._running[defect.id] = time.monotonic()

    def trial(self, trial: Trial) -> None:
        """Tell of one defect: all in a pipe, on a terminal by a mark, and what is not a kill."""
        self._running.pop(trial.defect.id, None)
        self._done[trial.defect.id] = trial
        if not self._live.is_started or trial.state != "killed":
            count = f"[{len(self._done)}/{len(self._plan.defects)}]"
            self._say(f"{count} {_line(trial)}")

    def so_far(self) -> Matrix:
        """What is known when a run is interrupted, in the order of the zoo."""
        trials = [self._done[one.id] for one in self._plan.defects if one.id in self._done]
        return Matrix(clean=tuple(self._clean), trials=tuple(trials))

    def interrupted(self, out: Path) -> None:
        """Tell how far it came."""
        tried = f"{len(self._done)} of {len(self._plan.defects)} defects tried"
        self._say(f"\ninterrupted: {tried}; what is known is in {out / 'prove.json'}")

    def conclude(self, matrix: Matrix, out: Path) -> None:
        """Tell what the matrix says, every trial that is not a kill by name."""
        killed = sum(trial.state == "killed" for trial in matrix.trials)
        self._say(
            f"\n{killed} of {len(matrix.trials)} defects killed by a check whose business they are"
        )
        for trial in matrix.trials:
            if trial.state != "killed":
                self._say(f"  {_line(trial)}\n    expected: {_ids(trial.defect.expected)}")
        if matrix.never_failed:
            what = "no defect ever failed" if matrix.every_check else "no defect of this zoo fails"
            self._say(f"{what}: {_ids(matrix.never_failed)}")
        if not matrix.clean_passes:
            self._say("the clean backend did not pass: the matrix proves nothing")
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
        told = [f"{name} ({now - since:.0f} s)" for name, since in self._running.items()]
        trying = f"trying {', '.join(told)}" if told else "between two runs"
        tried = f"{len(self._done)} of {len(self._plan.defects)} defects tried"
        return Group(grid, Text(f"{tried} · {trying}", style="dim"))

    def _mark(self, defect: Defect) -> tuple[str, str]:
        if defect.id in self._done:
            return _MARKS[self._done[defect.id].state]
        return ("▸", "cyan") if defect.id in self._running else ("·", "dim")


def _line(trial: Trial) -> str:
    caught = _ids(trial.caught_by) or "no check"
    told = f"{trial.state}: {trial.defect.id} by {caught} ({trial.seconds:.1f} s)"
    return f"{told}: {trial.problem}" if trial.state != "killed" and trial.problem else told


def _ids(ids: tuple[str, ...]) -> str:
    return ", ".join(ids)
