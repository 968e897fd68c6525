"""The final state of exports: whether they download intact, and what has changed."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.checkers import Download
from harness.client import Organization, together
from harness.expect import expect_status

Snapshot = Mapping[str, object]
"""All that can be seen of exports and their events, by what it is."""


async def read_downloads(
    export_ids: Iterable[str], owners: Mapping[str, Organization]
) -> Sequence[Download]:
    """Download exports that are ready."""
    return await together((_download(each, owners[each]) for each in export_ids), at_once=8)


async def _download(export_id: str, owner: Organization) -> Download:
    answer = (await owner.client.download(export_id)).followed()
    manifest_hash = None
    if answer.status == 200:
        shown = await owner.client.call("getExport", path={"export_id": export_id})
        manifest_hash = expect_status(shown, 200).data["manifest_hash"]
    return Download(
        export_id=export_id,
        status=answer.status,
        body=answer.body,
        repr_digest=answer.headers.get("repr-digest"),
        manifest_hash=manifest_hash,
        dialect=answer.dialect,
        may_lack_digest=answer.may_lack_digest or answer.lacks_header("repr-digest"),
    )


def digests(snapshot: Snapshot) -> Mapping[str, str]:
    """Give the SHA-256 of everything in a snapshot, by what it is."""
    return {what: hashlib.sha256(_as_bytes(value)).hexdigest() for what, value in snapshot.items()}


def _as_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return json.dumps(value, sort_keys=True, default=str).encode()


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """Describe what has changed between two snapshots, a line for each change."""
    lines = [f"{what} is gone" for what in before.keys() - after.keys()]
    lines += [f"{what} is new: {after[what]!r:.200}" for what in after.keys() - before.keys()]
    for what in before.keys() & after.keys():
        lines += _changes(what, before[what], after[what])
    return sorted(lines)


def _changes(what: str, then: Any, now: Any) -> list[str]:  # noqa: ANN401 - JSON, or bytes
    if then == now:
        return []
    match then, now:
        case dict(), dict():
            names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
            return [
                f"{each} of {what} was {then.get(each)!r}, is {now.get(each)!r}" for each in names
            ]
        case bytes(), bytes():
            return [f"{what} were {len(then)} bytes, are {len(now)} others"]
    return [f"{what} was {then!r:.200}, is {now!r:.200}"]
