"""Errors are sent by the helper that all other answers use."""

from aiohttp import web

from reference_backend.api import problems
from reference_backend.defects import Defect


def _patch() -> None:
    clean = problems.answer

    def answer(problem: problems.Problem, *, instance: str, request_id: str) -> web.Response:
        response = clean(problem, instance=instance, request_id=request_id)
        response.content_type = "application/json"
        return response

    problems.answer = answer


DEFECT = Defect(
    title="Errors are application/json: clients that look for problem+json do not find them",
    source="RFC 9457, section 3; the commonest deviation from it",
    expected=("contract.problem-details", "contract.fuzz"),
    patch=_patch,
)
