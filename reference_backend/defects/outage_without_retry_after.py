"""Retry-After was lost when errors were moved to one place."""

from __future__ import annotations

from aiohttp import web

from reference_backend.defects import Defect, _helpers


def _drop_header(answer: web.Response) -> None:
    if answer.status == 503:
        answer.headers.popall("Retry-After", None)


def _patch() -> None:
    _helpers.change_answers(_drop_header)


DEFECT = Defect(
    title="A 503 during an outage has no Retry-After",
    source="RFC 9110, section 10.2.3",
    expected=("contract.problem-details",),
    patch=_patch,
)
