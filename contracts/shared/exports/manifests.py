"""What a manifest must say, and what must be said of one that was changed."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from contracts.shared.resources.conventions import expect_recent
from contracts.shared.resources.digests import sha256_hex
from harness.client import Client, Organization, Record
from harness.expect import expect, expect_equal, expect_status


def expect_described(
    manifest: Record, export: Record, org: Organization, filters: Mapping[str, Any]
) -> None:
    """Fail unless the manifest says whose export this is, and which."""
    for name, wanted in {
        "version": "1.0",
        "export_id": export["id"],
        "organization_id": org.id,
        "job_id": export["job_id"],
        "filters": filters,
    }.items():
        expect_equal(manifest[name], wanted, f"{name} in the manifest")
    expect_recent(manifest, "generated_at")
    expect_equal(export["filters"], filters, "the filters that the export shows")


def manifest_files(manifest: Record) -> list[Record]:
    """Give the entries of `files`; fail when one of them is not what an entry is."""
    files = manifest["files"]
    expect(isinstance(files, list), expected="a list of files in the manifest", got=repr(files))
    for file in files:
        expect(
            isinstance(file, Record)
            and all(isinstance(file[name], str) for name in ("name", "type", "sha256"))
            and type(file["size"]) is int
            and isinstance(file["evidence_id"], str | None),
            expected="files of a manifest as {name, type, size, sha256, evidence_id}",
            got=repr(file),
        )
    return list(files)


def expect_files_match(manifest: Record, entries: dict[str, bytes]) -> None:
    """Fail unless `files` lists every entry of the ZIP but itself, with its size and digest."""
    files = manifest_files(manifest)
    expect_equal(
        sorted(file["name"] for file in files),
        sorted(name for name in entries if name != "manifest.json"),
        "the names in `files` (every entry of the ZIP but manifest.json)",
    )
    for file in files:
        content = entries[file["name"]]
        expect_equal(file["sha256"], sha256_hex(content), f"the sha256 of {file['name']}")
        expect_equal(file["size"], len(content), f"the size of {file['name']}")
        expect_equal(
            file["evidence_id"] is None,
            file["name"] == "ledger.json",
            f"whether evidence_id of {file['name']} is null",
        )


async def expect_recorded(client: Client, manifest: Record, export: Record) -> None:
    """Fail unless the ledger records the manifest's hash, and the manifest the ledger's head."""
    completed = [
        event
        for event in await client.ledger_events(target_id=export["id"])
        if event["event_name"] == "export.completed"
    ]
    expect_equal(len(completed), 1, "the number of export.completed events of a ready export")
    expect(
        export["manifest_hash"] in json.dumps(completed[0]["metadata"]),
        expected=f"manifest_hash {export['manifest_hash']} in the export.completed event",
        got=str(completed[0]["metadata"]),
    )
    seq, hash_of_head = ledger_head(manifest)
    hashes = {event["ledger_seq"]: event["hash"] for event in await client.ledger_events()}
    expect_equal(hashes.get(seq), hash_of_head, f"the hash of event {seq}")


def ledger_head(manifest: Record) -> tuple[int, str]:
    """Give number and hash of a manifest's ledger head; fail when it has none."""
    head = manifest["ledger_head"]
    expect(
        isinstance(head, Record)
        and type(head["ledger_seq"]) is int
        and isinstance(head["hash"], str),
        expected="ledger_head {ledger_seq, hash} in the manifest, a number and a text",
        got=repr(head),
    )
    return head["ledger_seq"], head["hash"]


async def expect_valid(client: Client, question: dict[str, Any]) -> None:
    """Fail unless verifyManifest says three times true, and of every file that it is well."""
    answer = expect_status(await client.call("verifyManifest", json=question), 200)
    for name in ("manifest_valid", "export_match", "ledger_match"):
        expect(
            answer.data[name] is True,
            expected=f"{name}: true for an untouched manifest sent as {' and '.join(question)}",
            got=answer.describe(),
        )
    bad = [file for file in answer.data["files"] if file["ok"] is not True]
    expect_equal((bad, answer.data["mismatches"]), ([], []), "the bad files and mismatches")


async def expect_tampering_seen(
    client: Client, forged: dict[str, Any], export_id: str, depth: str
) -> None:
    """Fail when a manifest changed at this depth still matches its export."""
    question = {"manifest": forged, "export_id": export_id}
    answer = expect_status(await client.call("verifyManifest", json=question), 200)
    expect(
        answer.data["export_match"] is False,
        expected=f"export_match: false for a manifest that was changed at {depth}",
        got=answer.describe(),
    )


def _change(document: Any, *path: str | int) -> None:  # noqa: ANN401 - JSON of any shape
    *parents, last = path
    for step in parents:
        document = document[step]
    value = document[last]
    document[last] = value + 1 if isinstance(value, int) else f"{value}x"


TAMPERINGS: dict[str, Callable[[dict[str, Any]], None]] = {
    "/generated_at": lambda manifest: _change(manifest, "generated_at"),
    "/files/0/size": lambda manifest: _change(manifest, "files", 0, "size"),
    "/filters/range/tags/2/deep": lambda manifest: _change(
        manifest, "filters", "range", "tags", 2, "deep"
    ),
    "/ledger_head/hash": lambda manifest: _change(manifest, "ledger_head", "hash"),
}
"""One change each, from the top to the fifth level."""
