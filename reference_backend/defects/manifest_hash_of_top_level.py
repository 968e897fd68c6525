"""The manifest is hashed with a list of its top-level keys, which applies at every depth (as in JSON.stringify)."""

import hashlib
import json

from reference_backend.defects import Defect
from reference_backend.manifest import document


def _allowed(value: object, keys: set[str]) -> object:
    if isinstance(value, dict):
        return {key: _allowed(value[key], keys) for key in sorted(value) if key in keys}
    if isinstance(value, list):
        return [_allowed(item, keys) for item in value]
    return value


def _patch() -> None:
    def digest(manifest: bytes) -> str:
        value = json.loads(manifest)
        text = json.dumps(_allowed(value, set(value)), separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    document.digest = digest


DEFECT = Defect(
    title="The manifest's hash covers only its top level: entries of files can change unnoticed",
    source="P7, H7: PageSpace #1073",
    expected=("golden.manifest",),
    patch=_patch,
)
