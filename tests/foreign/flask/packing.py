"""What a bundle is made of. Its bytes follow from it alone: a second try writes the same."""

import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785

from tests.foreign.flask import filetypes, journal
from tests.foreign.flask.depot import Depot

INDEX = "index.json"
JOURNAL = "journal.json"
_CHUNK = 256 * 1024
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class PackingFailed(Exception):
    """The bundle cannot be made, however often it is tried. `problem` is for programs."""

    def __init__(self, problem: str, text: str) -> None:
        super().__init__(text)
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What goes into a bundle, read in one snapshot."""

    bundle: sqlite3.Row
    files: list[sqlite3.Row]
    journal_bytes: bytes
    head: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What was written: the ZIP's digest, and its index as text with the digest of that."""

    zip_sha256: str
    index_text: str
    index_sha256: str


def contents(connection: sqlite3.Connection, bundle: sqlite3.Row) -> Contents:
    """What the bundle held when it was asked for."""
    told = journal.entries_up_to(connection, bundle["tenant"], bundle["head_number"])
    entries = [journal.shown(row) for row in told]
    files = connection.execute(
        "SELECT * FROM files WHERE project = ? AND place <= ? ORDER BY place",
        (bundle["project"], bundle["last_file"]),
    ).fetchall()
    return Contents(
        bundle=bundle,
        files=files if bundle["kind"] == "full" else [],
        journal_bytes=rfc8785.dumps(entries),
        head={"number": entries[-1]["number"], "seal": entries[-1]["seal"]},
    )


def pack(depot: Depot, packed: Contents, target: Path, step: Callable[[int], None]) -> Packed:
    """Write the ZIP to `target`; `step` is called with the percentage that is done.

    Raises `PackingFailed` where a kept file is gone or is not what was kept, and whatever `step`
    raises.
    """
    index = index_of(packed)
    index_bytes = rfc8785.dumps(index)
    with zipfile.ZipFile(target, "w") as archive:
        for done, row in enumerate(files_to_write(packed)):
            step(90 * done // len(packed.files))
            _copy(depot.vault.path(row["kept_in"]), row, archive)
        step(90)
        archive.writestr(_entry(JOURNAL), packed.journal_bytes)
        archive.writestr(_entry(INDEX), index_bytes)
    return Packed(
        zip_sha256=_digest_of(target),
        index_text=index_bytes.decode(),
        index_sha256=index_digest(index_bytes),
    )


def files_to_write(packed: Contents) -> list[sqlite3.Row]:
    """The files that go into the ZIP, in its order."""
    return packed.files


def index_digest(index_bytes: bytes) -> str:
    """The index's digest: of its RFC 8785 bytes, which are also what is stored and packed."""
    return hashlib.sha256(index_bytes).hexdigest()


def index_of(packed: Contents) -> dict[str, Any]:
    """The index: every entry of the ZIP but itself."""
    bundle = packed.bundle
    listed: list[dict[str, Any]] = [
        {
            "path": path_of(row),
            "type": row["media_type"],
            "bytes": row["bytes"],
            "sha256": row["sha256"],
            "file": row["id"],
        }
        for row in packed.files
    ]
    journal_digest = hashlib.sha256(packed.journal_bytes).hexdigest()
    listed.append(
        {
            "path": JOURNAL,
            "type": "application/json",
            "bytes": len(packed.journal_bytes),
            "sha256": journal_digest,
            "file": None,
        }
    )
    return {
        "version": "1.0",
        "bundle": bundle["id"],
        "tenant": bundle["tenant"],
        "project": bundle["project"],
        "made_at": bundle["asked_at"],
        "options": json.loads(bundle["options"]),
        "entries": listed,
        "journal_head": packed.head,
    }


def path_of(row: sqlite3.Row) -> str:
    """A file's path in the ZIP: nothing of the client's name is in it."""
    return f"files/{row['id']}.{filetypes.extension(row['media_type'])}"


def _copy(source: Path, row: sqlite3.Row, archive: zipfile.ZipFile) -> None:
    digest = hashlib.sha256()
    try:
        with source.open("rb") as kept, archive.open(_entry(path_of(row)), "w") as entry:
            while piece := kept.read(_CHUNK):
                digest.update(piece)
                entry.write(piece)
    except FileNotFoundError as error:
        raise PackingFailed("file_gone", f"The bytes of file {row['id']} are gone.") from error
    if digest.hexdigest() != row["sha256"]:
        raise PackingFailed("file_changed", f"The bytes of file {row['id']} were changed.")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
    entry.create_system = 3  # the same on every system that packs
    entry.external_attr = 0o644 << 16
    return entry


def _digest_of(path: Path) -> str:
    with path.open("rb") as made:
        return hashlib.file_digest(made, "sha256").hexdigest()
