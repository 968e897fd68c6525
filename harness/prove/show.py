"""What a person sees of a `prove` run: the live matrix on a terminal, plain lines in a pipe."""

from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from harness.prove.matrix import GateRun, Matrix, Trial
from harness.prove.trials import Plan

_MARKS = {"killed": "[green]✔ killed", "survived": "[red]✘ survived"}


class Show:
    """Tells of each run and trial as it ends; the live matrix lasts as long as the context."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._plan = plan
        self._done: list[Trial] = []
        self._live = Live(self._table(), console=console, refresh_per_second=4)

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
        mark = "✔" if run.exit_code == 0 else "✘"
        self._say(f"  {mark} {run.problem or _ids(run.failed) or 'pass'} ({run.seconds:.1f} s)")

    def trial(self, trial: Trial) -> None:
        """Tell of one defect."""
        self._done.append(trial)
        if self._live.is_started:
            self._live.update(self._table())
        else:
            self._say(_line(trial))

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
            self._say(f"no defect ever failed: {_ids(matrix.never_failed)}")
        if not matrix.clean_passes:
            self._say("the clean backend did not pass: the matrix proves nothing")
        self._say(f"{out / 'prove.json'}  {out / 'matrix.md'}")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        table = Table(
            title=f"{len(self._done)} of {len(self._plan.defects)} defects tried",
            title_justify="left",
        )
        for heading in ("defect", "must be caught by", "caught by", "", "s"):
            table.add_column(heading)
        for trial in self._done:
            table.add_row(
                trial.defect.id,
                _ids(trial.defect.expected),
                _ids(trial.caught_by),
                _MARKS.get(trial.state, f"[yellow]? {trial.state}"),
                f"{trial.seconds:.1f}",
            )
        return table


def _line(trial: Trial) -> str:
    caught = _ids(trial.caught_by) or "no check"
    told = f"{trial.state}: {trial.defect.id} by {caught} ({trial.seconds:.1f} s)"
    return f"{told}: {trial.problem}" if trial.state != "killed" and trial.problem else told


def _ids(ids: tuple[str, ...]) -> str:
    return ", ".join(ids)
