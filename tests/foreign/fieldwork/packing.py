"""What is in a package: files, the log, and a manifest of them; the same bytes every time."""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from tests.foreign.fieldwork import filetypes, shown
from tests.foreign.fieldwork.bucket import Bucket

Row = dict[str, Any]
_SAME_TIME = (1980, 1, 1, 0, 0, 0)


class FileChanged(Exception):
    """A document in the bucket is not what was filed."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A package's bytes, and its manifest."""

    archive: bytes
    manifest: str
    manifest_sha256: str
    zip_sha256: str


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a package is made from, as of the time it was asked for."""

    package: Row
    documents: Sequence[Row]
    activity: Sequence[Row]


def compact(value: object) -> str:
    """JSON whose text depends on its content alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def files_of(material: Material, bucket: Bucket) -> Iterator[tuple[Row, bytes]]:
    """Each file's line in the manifest, and its bytes. Raises `FileChanged` and `OSError`."""
    for document in material.documents:
        content = bucket.read(document["storage_key"])
        if hashlib.sha256(content).hexdigest() != document["sha256"]:
            raise FileChanged(str(document["id"]))
        ending = filetypes.EXTENSIONS[document["content_type"]]
        path = f"documents/{document['id']}.{ending}"
        yield line(path, document["content_type"], content, str(document["id"])), content
    log = json.dumps([shown.entry(row) for row in material.activity], ensure_ascii=False).encode()
    yield line("activity.json", "application/json", log, None), log


def line(path: str, content_type: str, content: bytes, document: str | None) -> Row:
    """A file, as the manifest lists it."""
    return {
        "path": path,
        "contentType": content_type,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "documentId": document,
    }


def packed(material: Material, bucket: Bucket) -> Packed:
    """Make the package. Raises `FileChanged` and `OSError`."""
    files = list(files_of(material, bucket))
    manifest = manifest_of(material, [each for each, _ in files])
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in [*files, ({"path": "manifest.json"}, manifest.encode())]:
            entry = zipfile.ZipInfo(each["path"], _SAME_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return Packed(
        archive=whole.getvalue(),
        manifest=manifest,
        manifest_sha256=manifest_digest(manifest),
        zip_sha256=hashlib.sha256(whole.getvalue()).hexdigest(),
    )


def manifest_of(material: Material, files: list[Row]) -> str:
    """The manifest's text."""
    package, head = material.package, material.activity[-1]
    return compact(
        {
            "version": "1.0",
            "packageId": str(package["id"]),
            "orgId": str(package["org_id"]),
            "workOrderId": str(package["work_order_id"]),
            "generatedAt": shown.moment(package["created_at"]),
            "files": files,
            "activityHead": {"entryNo": head["entry_no"], "entryHash": head["entry_hash"]},
        }
    )


def manifest_digest(manifest: str) -> str:
    """What is recorded of a manifest: the SHA-256 of its bytes, in hex."""
    return hashlib.sha256(manifest.encode()).hexdigest()
