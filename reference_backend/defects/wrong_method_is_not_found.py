"""Every request that the router does not match is a 404."""

from __future__ import annotations

from aiohttp import web

from reference_backend.api.problems import Problem
from reference_backend.defects import Defect, _helpers


def _as_not_found(error: Exception, problem: Problem) -> Problem:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return Problem("not_found", "There is no such path.")
    return problem


def _patch() -> None:
    _helpers.change_problems(_as_not_found)


DEFECT = Defect(
    title="A known path with a wrong method answers 404 instead of 405",
    source="known: catch-all routes and routers without method matching",
    expected=("contract.methods",),
    patch=_patch,
)
