"""The body of a problem is written where the request's id is not at hand; another one will do."""

from uuid import uuid4

from aiohttp import web

from reference_backend.api import problems
from reference_backend.defects import Defect


def _patch() -> None:
    clean = problems.answer

    def answer(problem: problems.Problem, *, instance: str, request_id: str) -> web.Response:
        return clean(problem, instance=instance, request_id=str(uuid4()))

    problems.answer = answer


DEFECT = Defect(
    title="The request_id in a problem is not the one in X-Request-ID, nor in any log",
    source="known: an id per log record instead of one per request",
    expected=("contract.problem-details", "contract.fuzz"),
    patch=_patch,
)
