"""The code that writes a problem does not have the request's id and makes another one."""

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
    title="The request_id in a problem differs from the one in X-Request-ID and in the log",
    source="known: an id per log record instead of one per request",
    expected=("contract.problem-details", "contract.fuzz"),
    patch=_patch,
)
