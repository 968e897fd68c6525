"""JSON is parsed without a limit of its depth."""

import json

from reference_backend.api import bodies
from reference_backend.api.problems import Problem
from reference_backend.defects import Defect


def _patch() -> None:
    def parse(body: bytes) -> object:
        try:
            return json.loads(body)
        except ValueError as error:
            raise Problem("invalid_request", "The body is not JSON.") from error

    bodies._parse = parse  # noqa: SLF001


DEFECT = Defect(
    title="A deeply nested body overflows the parser's stack: 500",
    source="known: CPython's json raises RecursionError, which is no ValueError",
    expected=("contract.fuzz",),
    patch=_patch,
)
