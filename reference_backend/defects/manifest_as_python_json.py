"""Sorted keys, no spaces, UTF-8 are taken for canonical JSON."""

import json

from reference_backend.defects import Defect
from reference_backend.manifest import jcs


def _dumps(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise jcs.NotCanonicalError(str(error)) from error


def _patch() -> None:
    jcs.dumps = _dumps


DEFECT = Defect(
    title="The manifest is json.dumps with sorted keys: its numbers and key order are not RFC 8785",
    source="H3, H4: arc #703, enketo #1605; RFC 8785, sections 3.2.2.3 and 3.2.3",
    expected=("manifest.stored",),
    patch=_patch,
)
