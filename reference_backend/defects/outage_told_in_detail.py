"""The error's own text is put into `detail`, which was a help while it was being written."""

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
            problem.detail = f"{error}: {error.__cause__!r} {error.__cause__}"
        return problem

    middleware._problem_of = problem_of  # noqa: SLF001


DEFECT = Defect(
    title="During an outage clients are told the driver's error, with host, port and database",
    source="known: CWE-209",
    expected=("contract.problem-details",),
    patch=_patch,
)
