"""The kill matrix as Markdown: what docs/kill-matrix.md holds, generated and never typed."""

from collections.abc import Sequence
from itertools import groupby

from harness.prove.matrix import Matrix, Trial


def as_markdown(matrix: Matrix) -> str:
    """The defects by family, then the checks with what each of them caught."""
    killed = sum(trial.state == "killed" for trial in matrix.trials)
    clean = "passed" if matrix.clean_passes else "DID NOT PASS"
    lines = [
        f"{killed} of {len(matrix.trials)} defects killed by a check whose business they are; "
        f"the clean backend {clean} {len(matrix.clean)} of {len(matrix.clean)} runs."
        if matrix.clean_passes
        else f"The clean backend {clean}: nothing below proves anything.",
    ]
    by_family = sorted(matrix.trials, key=lambda trial: trial.defect.family)
    for family, trials in groupby(by_family, key=lambda trial: trial.defect.family):
        lines += ["", f"## {family}", "", *_defects(list(trials))]
    lines += ["", "## The checks, and what each of them caught", "", *_checks(matrix)]
    return "\n".join(lines) + "\n"


def _defects(trials: Sequence[Trial]) -> list[str]:
    return [
        "| defect | what it is | seen | must be caught by | caught by | |",
        "|---|---|---|---|---|---|",
        *(
            f"| `{trial.defect.id}` | {_cell(trial.defect.title)} | {_cell(trial.defect.source)} "
            f"| {_codes(trial.defect.expected)} | {_codes(trial.caught_by)} | {trial.state} |"
            for trial in trials
        ),
    ]


def _checks(matrix: Matrix) -> list[str]:
    caught: dict[str, list[str]] = {check: [] for check in matrix.never_failed}
    for trial in matrix.trials:
        for check in trial.caught_by:
            caught.setdefault(check, []).append(trial.defect.id)
    return [
        "| check | defects |",
        "|---|---|",
        *(
            f"| `{check}` | {_codes(ids) if ids else 'NONE'} |"
            for check, ids in sorted(caught.items())
        ),
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _codes(ids: Sequence[str]) -> str:
    return ", ".join(f"`{one}`" for one in ids) or "-"
