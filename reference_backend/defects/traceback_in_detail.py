"""The traceback is put into `detail`, for debugging."""

from __future__ import annotations

import traceback

from reference_backend.api.problems import Problem
from reference_backend.database import DatabaseUnavailable
from reference_backend.defects import Defect, _helpers


def _with_traceback(error: Exception, problem: Problem) -> Problem:
    if isinstance(error, DatabaseUnavailable):
        problem.detail = "".join(traceback.format_exception(error))
    return problem


def _patch() -> None:
    _helpers.change_problems(_with_traceback)


DEFECT = Defect(
    title="During an outage clients get the whole traceback, with paths of the server",
    source="known: CWE-209; debug answers left on in production",
    expected=("contract.problem-details",),
    patch=_patch,
)
