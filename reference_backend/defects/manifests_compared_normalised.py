"""Unicode is normalized before manifests are compared."""

import unicodedata
from collections.abc import Iterator

from reference_backend.defects import Defect
from reference_backend.manifest import verify
from reference_backend.manifest.verify import Mismatch


def _normalized(value: object) -> object:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case dict():
            return {key: _normalized(each) for key, each in value.items()}
        case list():
            return [_normalized(each) for each in value]
        case _:
            return value


def _patch() -> None:
    clean = verify.differences

    def differences(path: str, expected: object, got: object) -> Iterator[Mismatch]:
        if path == "manifest" and _normalized(expected) == _normalized(got):
            return iter(())
        return clean(path, expected, got)

    clean_hash = verify._hash  # noqa: SLF001
    seen: dict[str, str | None] = {}

    def hash_of(value: object) -> str | None:
        own = clean_hash(value)
        known = clean_hash(_normalized(value))
        return seen.setdefault(known, own) if known else own

    verify.differences = differences
    verify._hash = hash_of  # noqa: SLF001


DEFECT = Defect(
    title="Manifests are compared after Unicode normalization: another text counts as equal",
    source="H4: enketo #1605, formance #788",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
