"""What a manifest must contain, and what verification must answer for an unchanged one."""

import json
from collections.abc import Mapping
from typing import Any

from contracts.shared.resources.conventions import expect_recent
from contracts.shared.resources.digests import sha256_hex
from contracts.shared.resources.flags import expect_flags
from harness.client import Client, Organization, Record
from harness.expect import expect, expect_equal


def expect_described(
    manifest: Record, export: Record, org: Organization, filters: Mapping[str, Any]
) -> None:
    """Fail unless the manifest names its export, job, organization and filters."""
    for name, expected in {
        "version": "1.0",
        "export_id": export["id"],
        "organization_id": org.id,
        "job_id": export["job_id"],
        "filters": filters,
    }.items():
        expect_equal(manifest[name], expected, f"{name} in the manifest")
    expect_recent(manifest, "generated_at")
    expect_equal(export["filters"], filters, "filters of the export")


def manifest_files(manifest: Record) -> list[Record]:
    """Give the entries of `files`; fail when one of them does not have the form of an entry."""
    files = manifest["files"]
    expect(isinstance(files, list), expected="a list of files in the manifest", got=repr(files))
    for file in files:
        expect(
            isinstance(file, Record)
            and all(isinstance(file[name], str) for name in ("name", "type", "sha256"))
            and type(file["size"]) is int
            and isinstance(file["evidence_id"], str | None),
            expected="files in the manifest as {name, type, size, sha256, evidence_id}",
            got=repr(file),
        )
    return list(files)


def expect_files_match(manifest: Record, entries: dict[str, bytes]) -> None:
    """Fail unless `files` lists every other entry of the ZIP, with its size and digest."""
    files = manifest_files(manifest)
    expect_equal(
        sorted(file["name"] for file in files),
        sorted(name for name in entries if name != "manifest.json"),
        "names in `files` of the manifest (every entry of the ZIP except manifest.json)",
    )
    for file in files:
        name, content = file["name"], entries[file["name"]]
        expect_equal(file["sha256"], sha256_hex(content), f"sha256 of {name} in the manifest")
        expect_equal(file["size"], len(content), f"size of {name} in the manifest")
        is_ledger, has_no_evidence = name == "ledger.json", file["evidence_id"] is None
        expect_equal(has_no_evidence, is_ledger, f"whether evidence_id of {name} is null")


async def expect_recorded(client: Client, manifest: Record, export: Record) -> None:
    """Fail unless the ledger records the manifest's hash, and the manifest the ledger's head."""
    completed = [
        event
        for event in await client.ledger_events(target_id=export["id"])
        if event["event_name"] == "export.completed"
    ]
    expect_equal(len(completed), 1, "number of export.completed events of a ready export")
    expect(
        export["manifest_hash"] in json.dumps(completed[0]["metadata"]),
        expected=f"manifest_hash {export['manifest_hash']} in the export.completed event",
        got=str(completed[0]["metadata"]),
    )
    seq, hash_of_head = ledger_head(manifest)
    hashes = {event["ledger_seq"]: event["hash"] for event in await client.ledger_events()}
    expect_equal(hashes.get(seq), hash_of_head, f"hash of event {seq}, the manifest's ledger_head")


def ledger_head(manifest: Record) -> tuple[int, str]:
    """Give number and hash of a manifest's ledger head; fail when it has none."""
    head = manifest["ledger_head"]
    expect(
        isinstance(head, Record)
        and type(head["ledger_seq"]) is int
        and isinstance(head["hash"], str),
        expected="ledger_head in the manifest as {ledger_seq: number, hash: string}",
        got=repr(head),
    )
    return head["ledger_seq"], head["hash"]


async def expect_valid(client: Client, question: dict[str, Any]) -> None:
    """Fail unless verifyManifest answers true three times, and finds every file in order."""
    answer = await client.call("verifyManifest", json=question)
    names = ("manifest_valid", "export_match", "ledger_match")
    what = f"an unchanged manifest sent as {' and '.join(question)}"
    expect_flags(answer, dict.fromkeys(names, True), what)
    bad = [file for file in answer.data["files"] if file["ok"] is not True]
    expect_equal((bad, answer.data["mismatches"]), ([], []), "files that are not ok, mismatches")
