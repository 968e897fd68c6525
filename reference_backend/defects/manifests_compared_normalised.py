"""Unicode is normalised before manifests are compared, so that nobody is accused over an accent."""

import unicodedata
from collections.abc import Iterator

from reference_backend.defects import Defect
from reference_backend.manifest import verify
from reference_backend.manifest.verify import Mismatch


def _normalised(value: object) -> object:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case dict():
            return {key: _normalised(each) for key, each in value.items()}
        case list():
            return [_normalised(each) for each in value]
        case _:
            return value


def _patch() -> None:
    clean = verify.differences

    def differences(path: str, expected: object, got: object) -> Iterator[Mismatch]:
        if path == "manifest" and _normalised(expected) == _normalised(got):
            return iter(())
        return clean(path, expected, got)

    clean_hash = verify._hash  # noqa: SLF001
    seen: dict[str, str | None] = {}

    def hash_of(value: object) -> str | None:
        own = clean_hash(value)
        known = clean_hash(_normalised(value))
        return seen.setdefault(known, own) if known else own

    verify.differences = differences
    verify._hash = hash_of  # noqa: SLF001


DEFECT = Defect(
    title="Manifests are compared after Unicode normalisation: another text counts as the same",
    source="H4: enketo #1605, formance #788",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
