"""Judging the answers of verifyManifest, for unchanged and for changed manifests."""

import json
import re
from collections.abc import Mapping
from typing import Any

from contracts.shared.resources.flags import expect_flags
from contracts.shared.resources.json_changes import Path
from harness.client import Answer, Client, Record
from harness.client.absence import refuse_absent
from harness.expect import expect

VERIFIED = "verify.manifest"
"""The rule that verifyManifest answers true for what is unchanged, and false else."""

FLAGS = ("manifest_valid", "export_match", "ledger_match")
ALL_TRUE: Mapping[str, bool] = dict.fromkeys(FLAGS, True)
ALL_FALSE: Mapping[str, bool] = dict.fromkeys(FLAGS, False)
"""For an export that is not ready."""

SUBJECT = "files and mismatches of verifyManifest"

_STEP = re.compile(r"[\w-]+")


async def verify_text(client: Client, manifest: str, export_id: str | None = None) -> Answer:
    """Send a manifest exactly as this text, with an `export_id` unless it is None."""
    refuse_absent(client.without, "verifyManifest", {"manifest": manifest})
    more = "" if export_id is None else f', "export_id": {json.dumps(export_id)}'
    return await client.call(
        "verifyManifest",
        content=f'{{"manifest": {manifest}{more}}}'.encode(),
        headers={"content-type": "application/json"},
    )


def objects_in(answer: Answer, name: str) -> list[Record]:
    """The list of objects of this name; fail when it is anything else."""
    listed = answer.data[name]
    expect(
        isinstance(listed, list) and all(isinstance(each, Record) for each in listed),
        expected=f"{name} as a list of objects from verifyManifest",
        got=answer.describe(),
        rule=VERIFIED,
        subject=SUBJECT,
    )
    return list(listed)


def expect_untampered(answer: Answer, what: str) -> None:
    """Fail unless every flag is true, every file is ok and there is no mismatch."""
    expect_flags(answer, ALL_TRUE, what)
    bad = [file for file in objects_in(answer, "files") if file["ok"] is not True]
    expect(
        not bad and answer.data["mismatches"] == [],
        expected=f"every file ok and no mismatch for {what}",
        got=answer.describe(),
        rule=VERIFIED,
        subject=SUBJECT,
    )


def expect_mismatch(answer: Answer, what: str) -> None:
    """Fail unless the answer has a complete mismatch, or a file that is not ok.

    An empty path is a JSON Pointer, too: to the whole document (RFC 6901, section 5).
    """
    unseen = answer.data.lacks("mismatches"), answer.data.lacks("files")
    mismatches = [] if unseen[0] else objects_in(answer, "mismatches")
    for mismatch in mismatches:
        # Reading fails when a field is missing. Both may be null, for a value that is missing.
        _ = mismatch["expected"], mismatch["got"]
        expect(
            isinstance(mismatch["path"], str),
            expected=f"mismatches as {{path, expected, got}} for {what}",
            got=repr(mismatch),
            rule=VERIFIED,
            subject=SUBJECT,
        )
    if any(unseen) and not mismatches:
        return  # what it does not show may be what tells
    expect(
        mismatches or any(file["ok"] is not True for file in objects_in(answer, "files")),
        expected=f"a mismatch, or a file that is not ok, for {what}",
        got=answer.describe(),
        rule=VERIFIED,
        subject=SUBJECT,
    )


def expect_mismatch_at(answer: Answer, path: Path, fields: Mapping[str, Any], what: str) -> None:
    """The same, and fail when mismatches point into the manifest, but not to the change.

    A backend may write paths in its own way, and may report a wrong hash only. Nothing is asked of
    the place where the whole manifest was changed, which is an empty `path`. A path that names
    a field of the manifest (one of `fields`) must begin with the right field, and must mention
    the last step unless it ends before it.
    """
    expect_mismatch(answer, what)
    steps = [str(step) for step in path]
    has_none = answer.data.lacks("mismatches")
    if has_none or not steps or not all(_STEP.fullmatch(step) for step in steps):
        return
    pointing = []
    for mismatch in objects_in(answer, "mismatches"):
        found = _STEP.findall(mismatch["path"])
        start = next((n for n, step in enumerate(found) if step in fields), None)
        if start is not None:
            pointing.append(found[start:])
    expect(
        not pointing
        or any(
            found[0] == steps[0] and (len(found) < len(steps) or steps[-1] in found)
            for found in pointing
        ),
        expected=f"a mismatch at {'/'.join(steps)} for {what}",
        got=answer.describe(),
        rule=VERIFIED,
        subject=SUBJECT,
    )


def expect_only_bad_file(answer: Answer, name: str, what: str) -> None:
    """Fail unless this file, and no other, is reported as not ok."""
    verdicts = {str(file["name"]): file["ok"] for file in objects_in(answer, "files")}
    expect(
        verdicts.get(name) is False and all(ok is True for n, ok in verdicts.items() if n != name),
        expected=f"ok false for {name} and true for every other file, for {what}",
        got=answer.describe(),
        rule=VERIFIED,
        subject=SUBJECT,
    )
