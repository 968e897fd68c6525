"""Every request that the router does not match is a 404."""

from aiohttp import web

from reference_backend.api import middleware
from reference_backend.api.problems import Problem
from reference_backend.defects import Defect


def _patch() -> None:
    clean = middleware._problem_of  # noqa: SLF001

    def problem_of(error: Exception, request: web.Request) -> Problem:
        if isinstance(error, web.HTTPMethodNotAllowed):
            return Problem("not_found", "There is no such path.")
        return clean(error, request)

    middleware._problem_of = problem_of  # noqa: SLF001


DEFECT = Defect(
    title="A known path with a wrong method answers 404 instead of 405",
    source="known: catch-all routes and routers without method matching",
    expected=("contract.methods",),
    patch=_patch,
)
