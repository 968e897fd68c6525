"""What of a finished package still holds: its manifest, its files, its entry in the log."""

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from tests.foreign.fieldwork.bucket import Bucket
from tests.foreign.fieldwork.database import Connection

Row = dict[str, Any]

ENTRY = "SELECT id, payload FROM activity_log WHERE record_id = %s AND action = 'package.completed'"
CHAIN = "SELECT chain_ok FROM private.check_activity(%s)"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Three answers, and what each that is no found."""

    manifest_ok: bool = False
    files_ok: bool = False
    activity_ok: bool = False
    problems: tuple[str, ...] = ()


def proven(connection: Connection, bucket: Bucket, package: Row) -> Proof:
    """Look at all of it again."""
    manifest_ok = digest(package["manifest"]) == package["manifest_sha256"]
    problems = [] if manifest_ok else ["manifest.json is not the one that was recorded"]
    wrong = wrong_files(connection, bucket, package)
    activity_ok = in_the_log(connection, package)
    if not activity_ok:
        problems.append("the activity log does not record this manifest")
    return Proof(
        manifest_ok=manifest_ok,
        files_ok=manifest_ok and not wrong,
        activity_ok=activity_ok,
        problems=(*problems, *wrong),
    )


def digest(manifest: str) -> str:
    """The SHA-256 of a manifest's bytes, in hex."""
    return hashlib.sha256(manifest.encode()).hexdigest()


def wrong_files(connection: Connection, bucket: Bucket, package: Row) -> list[str]:
    """The files that are not what the manifest says: in the ZIP, or in the bucket."""
    manifest = json.loads(package["manifest"])
    try:
        whole = bucket.read(package["storage_key"])
        with zipfile.ZipFile(BytesIO(whole)) as archive:
            held = {name: archive.read(name) for name in archive.namelist()}
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile):
        # One bit can make an entry compressed in another way, encrypted, or cut.
        return ["the ZIP cannot be read"]
    wrong = (
        [] if held.pop("manifest.json", b"") == package["manifest"].encode() else ["manifest.json"]
    )
    if hashlib.sha256(whole).hexdigest() != package["zip_sha256"]:
        wrong.append("the ZIP")
    for file in manifest["files"]:
        content = held.pop(file["path"], None)
        if (
            content is None
            or hashlib.sha256(content).hexdigest() != file["sha256"]
            or (file["documentId"] is not None and not kept(connection, bucket, file))
        ):
            wrong.append(file["path"])
    return wrong + list(held)


def kept(connection: Connection, bucket: Bucket, file: Row) -> bool:
    """Whether the document in the bucket still has the bytes that the manifest names."""
    row = connection.execute(
        "SELECT storage_key FROM documents WHERE id = %s", [file["documentId"]]
    ).fetchone()
    try:
        content = bucket.read(row["storage_key"]) if row else b""
    except OSError:
        return False
    return hashlib.sha256(content).hexdigest() == str(file["sha256"])


def in_the_log(connection: Connection, package: Row) -> bool:
    """Whether the log records this manifest, in a chain that holds up to there."""
    rows = connection.execute(ENTRY, [package["id"]]).fetchall()
    if [row["payload"]["manifestSha256"] for row in rows] != [digest(package["manifest"])]:
        return False
    checked = connection.execute(CHAIN, [rows[0]["id"]]).fetchone()
    return bool(checked and checked["chain_ok"])
