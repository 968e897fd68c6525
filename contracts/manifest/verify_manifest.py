"""What verifyManifest must say, of what is sound and of what is not, and how it must say it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from contracts.shared.resources.json_changes import Path
from harness.client import Answer, Client, Record
from harness.expect import expect, expect_status

FLAGS = ("manifest_valid", "export_match", "ledger_match")
SOUND: Mapping[str, bool] = dict.fromkeys(FLAGS, True)
NOTHING: Mapping[str, bool] = dict.fromkeys(FLAGS, False)
"""Of an export that is not ready."""

_STEP = re.compile(r"[\w-]+")


async def verify_text(client: Client, manifest: str, export_id: str | None = None) -> Answer:
    """Send a manifest exactly as it is written, with an `export_id` unless it is None."""
    more = "" if export_id is None else f', "export_id": {json.dumps(export_id)}'
    return await client.call(
        "verifyManifest",
        content=f'{{"manifest": {manifest}{more}}}'.encode(),
        headers={"content-type": "application/json"},
    )


def objects_in(answer: Answer, name: str) -> list[Record]:
    """Give the list of objects of this name; fail when it is something else."""
    listed = answer.data[name]
    expect(
        isinstance(listed, list) and all(isinstance(each, Record) for each in listed),
        expected=f"a list of objects as {name} from verifyManifest",
        got=answer.describe(),
    )
    return list(listed)


def expect_flags(answer: Answer, flags: Mapping[str, bool], what: str) -> None:
    """Fail unless the answer is 200 and says this; a flag that is not named is not judged."""
    data = expect_status(answer, 200, detail=what).data
    for name, due in flags.items():
        expect(
            data[name] is due,
            expected=f"{name} {str(due).lower()} of {what}",
            got=answer.describe(),
        )


def expect_untampered(answer: Answer, what: str) -> None:
    """Fail unless everything is true, every file is well and nothing is a mismatch."""
    expect_flags(answer, SOUND, what)
    bad = [file for file in objects_in(answer, "files") if file["ok"] is not True]
    expect(
        not bad and answer.data["mismatches"] == [],
        expected=f"every file ok and no mismatch for {what}",
        got=answer.describe(),
    )


def expect_mismatch(answer: Answer, what: str) -> None:
    """Fail unless something is said to be wrong: a mismatch with all its parts, or a file.

    An empty path is a JSON Pointer, too: to the whole document (RFC 6901, section 5).
    """
    mismatches = objects_in(answer, "mismatches")
    for mismatch in mismatches:
        # Both may be null: one that is missing has no other way to be shown.
        _ = mismatch["expected"], mismatch["got"]
        expect(
            isinstance(mismatch["path"], str),
            expected=f"mismatches {{path, expected, got}} for {what}",
            got=repr(mismatch),
        )
    expect(
        mismatches or any(file["ok"] is not True for file in objects_in(answer, "files")),
        expected=f"a mismatch, or a file that is not ok, that names {what}",
        got=answer.describe(),
    )


def expect_mismatch_at(answer: Answer, path: Path, fields: Mapping[str, Any], what: str) -> None:
    """The same, and fail when mismatches point into the manifest, but not to where it was changed.

    How a path is written is the backend's affair, and it may tell of a wrong hash alone; a path
    that names a field of the manifest (one of `fields`) must begin with the right one, and
    mention the last step unless it stops before it.
    """
    expect_mismatch(answer, what)
    steps = [str(step) for step in path]
    if not all(_STEP.fullmatch(step) for step in steps):
        return
    pointing = []
    for mismatch in objects_in(answer, "mismatches"):
        said = _STEP.findall(mismatch["path"])
        start = next((n for n, step in enumerate(said) if step in fields), None)
        if start is not None:
            pointing.append(said[start:])
    expect(
        not pointing
        or any(
            said[0] == steps[0] and (len(said) < len(steps) or steps[-1] in said)
            for said in pointing
        ),
        expected=f"a mismatch at {'/'.join(steps)} for {what}",
        got=answer.describe(),
    )


def expect_only_bad_file(answer: Answer, name: str, what: str) -> None:
    """Fail unless this file, and no other, is said not to be ok."""
    verdicts = {str(file["name"]): file["ok"] for file in objects_in(answer, "files")}
    expect(
        verdicts.get(name) is False and all(ok is True for n, ok in verdicts.items() if n != name),
        expected=f"ok false of {name}, and true of every other file, for {what}",
        got=answer.describe(),
    )
