"""What a manifest must contain, and what verification must answer for an unchanged one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from contracts.shared.resources.digests import sha256_hex
from contracts.shared.resources.flags import RULES, expect_flags
from contracts.shared.resources.rule_ids import EVENT_ONCE, EVENT_WRITTEN
from harness.client import Client, Organization, Record
from harness.expect import expect, expect_equal
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape

HASHED = "manifest.hashed"
"""The rule that `manifest_hash` is the hash of the manifest, and its bytes those in the ZIP."""

DESCRIBES = "manifest.describes-export"
"""The rule that a manifest names the export that it belongs to."""

FORM = "manifest.form"
"""The rule that a manifest has the documented members."""

FILES_MATCH = "manifest.files-match"
"""The rule that a manifest lists what is in the ZIP."""

RECORDED = "manifest.recorded"
"""The rule that manifest and ledger name each other."""


def described(
    export: Record, org: Organization, filters: Mapping[str, Any]
) -> Mapping[str, object]:
    """Give what a manifest says of its export, by member."""
    return {
        "version": "1.0",
        "export_id": export["id"],
        "organization_id": org.id,
        "job_id": export["job_id"],
        "filters": filters,
    }


def expect_named(manifest: Record, name: str, expected: object) -> None:
    """Fail unless a member of a manifest is what its export says."""
    expect_equal(manifest[name], expected, f"{name} in the manifest", rule=DESCRIBES, subject=name)


def manifest_files(manifest: Record) -> list[Record]:
    """Give the entries of `files`; fail when one of them does not have the form of an entry."""
    files = manifest["files"]
    expect(
        isinstance(files, list),
        expected="a list of files in the manifest",
        got=repr(files),
        rule=FORM,
        subject="files",
    )
    for file in files:
        expect(
            isinstance(file, Record)
            and all(isinstance(file[name], str) for name in ("name", "type", "sha256"))
            and type(file["size"]) is int
            and isinstance(file["evidence_id"], str | None),
            expected="files in the manifest as {name, type, size, sha256, evidence_id}",
            got=repr(file),
            rule=FORM,
            subject="files",
        )
    return list(files)


def expect_files_match(manifest: Record, entries: dict[str, bytes]) -> None:
    """Fail unless `files` lists every other entry of the ZIP, with its size and digest."""
    files = manifest_files(manifest)
    expect_equal(
        sorted(file["name"] for file in files),
        sorted(name for name in entries if name != "manifest.json"),
        "names in `files` of the manifest (every entry of the ZIP except manifest.json)",
        rule=FILES_MATCH,
        subject="name",
    )
    for file in files:
        name, content = file["name"], entries[file["name"]]
        is_ledger, has_no_evidence = name == "ledger.json", file["evidence_id"] is None
        for field, got, expected in (
            ("sha256", file["sha256"], sha256_hex(content)),
            ("size", file["size"], len(content)),
            ("evidence_id", f"null: {has_no_evidence}", f"null: {is_ledger}"),
        ):
            what = f"{field} of a file in the manifest"
            expect_equal(
                got, expected, what, detail=f"file {name}", rule=FILES_MATCH, subject=field
            )


async def expect_recorded(client: Client, manifest: Record, export: Record) -> None:
    """Fail unless the ledger records the manifest's hash, and the manifest the ledger's head."""
    completed = [
        event
        for event in await client.ledger_events(target_id=export["id"])
        if event["event_name"] == "export.completed"
    ]
    what = "number of export.completed events of a ready export"
    rule = EVENT_WRITTEN if not completed else EVENT_ONCE
    expect_equal(len(completed), 1, what, rule=rule, subject="export.completed")
    expect(
        export["manifest_hash"] in json.dumps(completed[0]["metadata"]),
        expected=f"manifest_hash {export['manifest_hash']} in the export.completed event",
        got=str(completed[0]["metadata"]),
        rule=RECORDED,
        subject="export.completed",
    )
    events, shape = await client.ledger_events(), client.chain
    seq, hash_of_head = ledger_head(manifest, shape)
    if shape.is_numbered:
        hashes = {event["ledger_seq"]: event["hash"] for event in events}
        got, what = hashes.get(seq), f"hash of event {seq}, the manifest's ledger_head"
    else:
        hashes = {event["hash"]: event["hash"] for event in events}
        got, what = hashes.get(hash_of_head), "hash of the event that is the manifest's ledger_head"
    expect_equal(got, hash_of_head, what, rule=RECORDED, subject="ledger_head")


def ledger_head(manifest: Record, shape: ChainShape = CONTRACT_CHAIN) -> tuple[int, str]:
    """Give number and hash of a manifest's ledger head; fail when it has none.

    The number is 0 where events have none.
    """
    head = manifest["ledger_head"]
    numbered = shape.is_numbered
    expect(
        isinstance(head, Record)
        and (not numbered or type(head["ledger_seq"]) is int)
        and isinstance(head["hash"], str),
        expected="ledger_head in the manifest as {ledger_seq: number, hash: string}"
        if numbered
        else "ledger_head in the manifest as {hash: string}",
        got=repr(head),
        rule=FORM,
        subject="ledger_head",
    )
    return (head["ledger_seq"] if numbered else 0), head["hash"]


def place_of_head(manifest: Record, chain: Sequence[Record], shape: ChainShape) -> int:
    """Give the place of a manifest's ledger head in its chain, from 1; 0 before the first event.

    Fails where it is no event of the chain, which is in its order.
    """
    seq, digest = ledger_head(manifest, shape)
    if shape.is_counted:
        return seq
    if not seq and digest in {"", shape.genesis}:
        return 0
    of = "ledger_seq" if shape.is_numbered else "hash"
    wanted = seq if shape.is_numbered else digest
    places = [place for place, event in enumerate(chain, 1) if event[of] == wanted]
    expect(
        len(places) == 1,
        expected=f"one event of the ledger with the {of} of ledger_head, {wanted!r}",
        got=f"{len(places)} of {len(chain)} events",
        rule=RECORDED,
        subject="ledger_head",
    )
    return places[0]


async def expect_valid(client: Client, question: dict[str, Any]) -> None:
    """Fail unless verifyManifest answers true three times, and finds every file in order."""
    answer = await client.call("verifyManifest", json=question)
    names = ("manifest_valid", "export_match", "ledger_match")
    what = f"an unchanged manifest sent as {' and '.join(question)}"
    expect_flags(answer, dict.fromkeys(names, True), what)
    bad = [file for file in answer.data["files"] if file["ok"] is not True]
    got, what = (bad, answer.data["mismatches"]), "files that are not ok, mismatches"
    expect_equal(got, ([], []), what, rule=RULES["verifyManifest"], subject="files, mismatches")
