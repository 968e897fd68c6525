"""The 405 lost its Allow header when errors became problem answers."""

from aiohttp import web

from reference_backend.api import middleware
from reference_backend.api.problems import Problem
from reference_backend.defects import Defect


def _patch() -> None:
    clean = middleware._problem_of  # noqa: SLF001

    def problem_of(error: Exception, request: web.Request) -> Problem:
        if isinstance(error, web.HTTPMethodNotAllowed):
            return Problem("method_not_allowed", "This method is not allowed here.")
        return clean(error, request)

    middleware._problem_of = problem_of  # noqa: SLF001


DEFECT = Defect(
    title="A 405 does not list the allowed methods",
    source="RFC 9110, section 15.5.6; lost by custom error handlers everywhere",
    expected=("contract.methods",),
    patch=_patch,
)
