"""The traceback is put into `detail`, for debugging."""

import traceback

from aiohttp import web

from reference_backend.api import middleware
from reference_backend.api.problems import Problem
from reference_backend.database import DatabaseUnavailable
from reference_backend.defects import Defect


def _patch() -> None:
    clean = middleware._problem_of  # noqa: SLF001

    def problem_of(error: Exception, request: web.Request) -> Problem:
        problem = clean(error, request)
        if isinstance(error, DatabaseUnavailable):
            problem.detail = "".join(traceback.format_exception(error))
        return problem

    middleware._problem_of = problem_of  # noqa: SLF001


DEFECT = Defect(
    title="During an outage clients get the whole traceback, with paths of the server",
    source="known: CWE-209; debug answers left on in production",
    expected=("contract.problem-details",),
    patch=_patch,
)
