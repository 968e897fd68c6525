"""The digest header carries hex, like every other digest of this API."""

from reference_backend.api import downloads
from reference_backend.defects import Defect


def _patch() -> None:
    downloads.repr_digest = lambda sha256: f"sha-256={sha256}"


DEFECT = Defect(
    title="Repr-Digest carries hex instead of the base64 byte sequence of RFC 9530",
    source="RFC 9530, section 2; the usual first version of this header",
    expected=("golden.export-download",),
    patch=_patch,
)
