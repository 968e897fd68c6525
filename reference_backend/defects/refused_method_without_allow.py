"""The 405 lost its Allow header when errors became problem answers."""

from __future__ import annotations

from aiohttp import web

from reference_backend.api.problems import Problem
from reference_backend.defects import Defect, _helpers


def _without_allow(error: Exception, problem: Problem) -> Problem:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return Problem("method_not_allowed", "This method is not allowed here.")
    return problem


def _patch() -> None:
    _helpers.change_problems(_without_allow)


DEFECT = Defect(
    title="A 405 does not list the allowed methods",
    source="RFC 9110, section 15.5.6; lost by custom error handlers everywhere",
    expected=("contract.methods",),
    patch=_patch,
)
