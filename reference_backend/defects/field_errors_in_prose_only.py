"""The wrong field is named only in the sentence."""

from __future__ import annotations

from aiohttp import web

from reference_backend.api import problems
from reference_backend.defects import Defect


def _patch() -> None:
    clean = problems.answer

    def answer(problem: problems.Problem, *, instance: str, request_id: str) -> web.Response:
        problem.errors = ()
        return clean(problem, instance=instance, request_id=request_id)

    problems.answer = answer


DEFECT = Defect(
    title="A field error has no errors[]: a client cannot tell which field was wrong",
    source="RFC 9457, section 3.1, and every form that shows one red line at its top",
    expected=("contract.problem-details",),
    patch=_patch,
)
