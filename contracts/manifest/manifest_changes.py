"""Every change that can be made to a manifest: at each leaf, in each container, and odd ones."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.shared.resources import json_changes
from contracts.shared.resources.json_changes import Path, pointer

DEEP = 2


@dataclass(frozen=True, kw_only=True)
class Change:
    """A manifest with one thing about it changed."""

    what: str
    path: Path
    """Where."""
    manifest: dict[str, Any]
    manifest_valid: bool | None = None
    """What must be said of its form; None where the contract leaves that open."""

    @property
    def place(self) -> str:
        """Where, as a JSON Pointer with every index as 0."""
        return pointer(tuple(0 if isinstance(step, int) else step for step in self.path))


def every_change(manifest: Mapping[str, Any]) -> Iterator[Change]:
    """Give every leaf changed, most removed, every container enlarged, and the odd ones."""
    document = dict(manifest)
    for path in json_changes.leaves(document):
        yield Change(
            what="changed",
            path=path,
            manifest=json_changes.changed(document, path),
            manifest_valid=_valid_when_changed(path),
        )
        # Of the filters those at depth: what is removed at their top is one key among others.
        if path[0] != "filters" or len(path) > DEEP:
            yield Change(
                what="removed",
                path=path,
                manifest=json_changes.without(document, path),
                manifest_valid=None if path[0] == "filters" else False,
            )
    for path in json_changes.containers(document):
        yield Change(what="added to", path=path, manifest=json_changes.added(document, path))
    yield from _of_another_type(document)
    yield from _of_files(document)
    yield from _of_text(document)


def _valid_when_changed(path: Path) -> bool | None:
    match path:
        case ("organization_id",):
            return False
        case ("filters", *_) | ("files", _, "size" | "sha256") | ("ledger_head", _):
            return True
        case _:
            return None


def _of_another_type(document: dict[str, Any]) -> Iterator[Change]:
    size: Path = ("files", 0, "size")
    seq: Path = ("ledger_head", "ledger_seq")
    start: Path = ("filters", "range", "from")
    for path, value, valid in (
        (size, str(json_changes.at(document, size)), False),
        (seq, str(json_changes.at(document, seq)), False),
        (("files", 0, "sha256"), None, False),
        (start, "1", True),
        (start, True, True),
        (start, 1.0000000000000002, True),
        (("filters", "none"), "", True),
        (("filters", "yes"), 1, True),
        (("filters", "empty"), [], True),
        (("filters", "nothing"), None, True),
    ):
        shown = type(value).__name__ if value is not None else "null"
        yield Change(
            what=f"another type: {shown}",
            path=path,
            manifest=json_changes.replaced(document, path, value),
            manifest_valid=valid,
        )


def _of_files(document: dict[str, Any]) -> Iterator[Change]:
    files = document["files"]
    swapped = [files[1], files[0], *files[2:]]
    exchanged = [{**files[0], "sha256": files[1]["sha256"]}, *files[1:]]
    for what, changed in (
        ("two entries swapped", swapped),
        ("an entry twice", [*files, files[0]]),
        ("without its first entry", files[1:]),
        ("without its last entry", files[:-1]),
        ("none", []),
    ):
        yield Change(what=what, path=("files",), manifest={**document, "files": changed})
    yield Change(
        what="another file's digest",
        path=("files", 0, "sha256"),
        manifest={**document, "files": exchanged},
        manifest_valid=True,
    )
    yield Change(
        what="in capitals",
        path=("files", 0, "sha256"),
        manifest=json_changes.replaced(
            document, ("files", 0, "sha256"), str(files[0]["sha256"]).upper()
        ),
    )


def _of_text(document: dict[str, Any]) -> Iterator[Change]:
    composed, decomposed = "\u00e9", "e\u0301"
    for key, form in ((composed, "NFC"), (decomposed, "NFD")):
        path: Path = ("filters", key)
        value = str(json_changes.at(document, path))
        other = unicodedata.normalize("NFD" if value == composed else "NFC", value)
        yield Change(
            what=f"another Unicode form than {form}",
            path=path,
            manifest=json_changes.replaced(document, path, other),
            manifest_valid=True,
        )
    for what, text in (("with a space", "after "), ("in capitals", "After")):
        path = ("filters", "phase")
        yield Change(
            what=what,
            path=path,
            manifest=json_changes.replaced(document, path, text),
            manifest_valid=True,
        )
