"""Errors are sent by the helper that all other answers use."""

from __future__ import annotations

from aiohttp import web

from reference_backend.defects import Defect, _helpers


def _as_json(answer: web.Response) -> None:
    answer.content_type = "application/json"


def _patch() -> None:
    _helpers.change_answers(_as_json)


DEFECT = Defect(
    title="Errors are application/json: clients that look for problem+json do not find them",
    source="RFC 9457, section 3; the commonest deviation from it",
    expected=("contract.problem-details", "contract.fuzz"),
    patch=_patch,
)
