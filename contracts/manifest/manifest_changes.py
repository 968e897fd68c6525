"""Every change that can be made to a manifest: each leaf, each container, and special ones."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.shared.resources import json_changes
from contracts.shared.resources.json_changes import Path
from harness.untrusted.json_pointers import pointer

DEEP = 2


@dataclass(frozen=True, kw_only=True)
class Change:
    """A manifest with one change."""

    what: str
    path: Path
    """Where it was changed."""
    manifest: dict[str, Any]
    manifest_valid: bool | None = None
    """What verifyManifest must answer; None where the contract leaves it open."""

    @property
    def place(self) -> str:
        """The path as a JSON Pointer with 0 for every index."""
        return pointer(tuple(0 if isinstance(step, int) else step for step in self.path))


def every_change(manifest: Mapping[str, Any]) -> Iterator[Change]:
    """Give every leaf changed, most leaves removed, every container extended, and special ones."""
    document = dict(manifest)
    for path in json_changes.leaves(document):
        yield Change(
            what="changed",
            path=path,
            manifest=json_changes.changed(document, path),
            manifest_valid=_valid_when_changed(path),
        )
        # At the top of the filters, removing one key is like removing any other.
        if path[0] != "filters" or len(path) > DEEP:
            yield Change(
                what="removed",
                path=path,
                manifest=json_changes.without(document, path),
                manifest_valid=None if path[0] == "filters" else False,
            )
    for path in json_changes.containers(document):
        yield Change(what="added to", path=path, manifest=json_changes.added(document, path))
    for what, path, value, valid in _replacements(document):
        if not json_changes.is_there(document, path):
            continue  # a backend whose exports have no filters
        yield Change(
            what=what,
            path=path,
            manifest=json_changes.replaced(document, path, value),
            manifest_valid=valid,
        )


def _valid_when_changed(path: Path) -> bool | None:
    match path:
        case ("organization_id",):
            return False
        case ("filters", *_) | ("files", _, "size" | "sha256") | ("ledger_head", _):
            return True
        case _:
            return None


def _replacements(document: dict[str, Any]) -> Iterator[tuple[str, Path, object, bool | None]]:
    """Give what is changed, where, the new value, and whether the manifest is still valid."""
    files = document["files"]
    sha256: Path = ("files", 0, "sha256")
    size: Path = ("files", 0, "size")
    seq: Path = ("ledger_head", "ledger_seq")
    start: Path = ("filters", "range", "from")
    if "ledger_seq" in document["ledger_head"]:  # a ledger whose events have no numbers
        yield "another type: str", seq, str(json_changes.at(document, seq)), False
    for path, value, valid in (
        (size, str(files[0]["size"]), False),
        (sha256, None, False),
        (start, "1", True),
        (start, True, True),
        (start, 1.0000000000000002, True),
        (("filters", "none"), "", True),
        (("filters", "yes"), 1, True),
        (("filters", "empty"), [], True),
        (("filters", "nothing"), None, True),
    ):
        name = type(value).__name__ if value is not None else "null"
        yield f"another type: {name}", path, value, valid
    yield "two entries swapped", ("files",), [files[1], files[0], *files[2:]], None
    yield "an entry twice", ("files",), [*files, files[0]], None
    yield "without its first entry", ("files",), files[1:], None
    yield "without its last entry", ("files",), files[:-1], None
    yield "none", ("files",), [], None
    yield "another file's digest", sha256, files[1]["sha256"], True
    yield "in capitals", sha256, files[0]["sha256"].upper(), None
    composed, decomposed = "\u00e9", "e\u0301"
    for key, form in ((composed, "NFC"), (decomposed, "NFD")):
        path = ("filters", key)
        if not json_changes.is_there(document, path):
            continue
        old = json_changes.at(document, path)
        new = unicodedata.normalize("NFD" if old == composed else "NFC", old)
        yield f"in another Unicode form than {form}", path, new, True
    yield "with a space", ("filters", "phase"), "after ", True
    yield "in capitals", ("filters", "phase"), "After", True
