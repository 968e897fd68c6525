"""The steps of an export, from its request to its manifest."""

import time
from http import HTTPStatus

from harness.client import Record
from harness.client.dialect.export_files import ExportFileMap
from harness.doctor import advice
from harness.doctor.advice import Advice
from harness.doctor.package import found_in, of_package
from harness.doctor.walked import Seen, Walked
from harness.errors import Inconclusive, Misconfigured
from harness.untrusted.archives import BadArchive, unpacked
from harness.untrusted.documents import BadDocument, parse
from harness.vocabulary.exports import READY, STATES, TERMINAL_STATES
from harness.waiting import wait_until

EXPORT_WITHIN_S = 60.0
"""How long a first export may take: a worker that polls every few seconds is in time."""

POLL_S = 0.2

SLOW_S = 8.0
"""Longer is worth a `[pace]`."""


async def request_export(walked: Walked) -> Seen:
    """Request an export, and again while it is live."""
    org, job = walked.have_org(), walked.job
    if job is None:
        raise Inconclusive("there is no job to export")
    answer = await org.client.request_export(job["id"], org.client.export_types[0])
    walked.expect_success(answer, 202, 200)
    walked.export = export = answer.data
    walked.noticed.header(answer, "Location")
    walked.noticed.header(answer, "Retry-After")
    again = await org.client.request_export(job["id"], org.client.export_types[0])
    if again.status == HTTPStatus.OK and again.data.get("id") == export["id"]:
        walked.noticed.header(again, "X-Export-In-Progress")
    _note(walked, export)
    return f"{export['id']}, {export['state']}", _unknown_states(walked)


def _note(walked: Walked, export: Record) -> None:
    state = str(export["state"])
    if state not in walked.states[-1:]:
        walked.states.append(state)


def _unknown_states(walked: Walked) -> Advice | None:
    known = all(each in STATES for each in walked.states)
    return None if known else advice.of_states(walked.states)


async def poll_export(walked: Walked) -> Seen:
    """Poll the export until it has ended."""
    org, export = walked.have_org(), walked.export
    if export is None:
        raise Inconclusive("there is no export to wait for")
    client, began = org.client, time.monotonic()

    async def has_ended() -> bool:
        shown = await client.get_export(export["id"])
        walked.noticed.thing("export", shown)
        _note(walked, shown)
        return walked.states[-1] in TERMINAL_STATES or walked.states[-1] not in STATES

    await wait_until(
        has_ended,
        EXPORT_WITHIN_S,
        f"export {export['id']} to end",
        poll_s=POLL_S,
        error=lambda waited: Misconfigured(f"{waited}; it was {', '.join(walked.states)}"),
    )
    walked.took_s = time.monotonic() - began
    walked.is_ready = walked.states[-1] == READY
    way = " → ".join(walked.states)
    if unknown := _unknown_states(walked):
        return way, unknown
    if not walked.is_ready:
        return way, Advice(
            hint="an export of one small file should become ready: its "
            "worker's log says why it did not"
        )
    if walked.took_s > SLOW_S:
        return (
            f"{way} in {walked.took_s:.1f} s",
            Advice(
                hint="slower than checks wait for by default: say so, and amounts and waits follow",
                lines=("[pace]", f"export_s = {walked.took_s * 2:.0f}", "at_once = …"),
            ),
        )
    return f"{way} in {walked.took_s:.1f} s", None


async def download_export(walked: Walked) -> Seen:
    """Download the ZIP, and look at what is in it."""
    org, export = walked.have_org(), walked.export
    if export is None or not walked.is_ready:
        raise Inconclusive("there is no export that is ready")
    answer = await org.client.download(export["id"])
    walked.expect_success(answer, 200)
    if not answer.may_lack_digest:
        walked.noticed.header(answer, "Repr-Digest")
    try:
        files = unpacked(answer.body)
    except BadArchive as problem:
        return f"{len(answer.body)} bytes that are no ZIP", Advice(hint=str(problem))
    contract = walked.target.contract
    if ledger := found_in(tuple(files), contract)["ledger"]:
        try:
            lines = parse(files[ledger])
        except BadDocument as problem:
            return f"{ledger} is no JSON", Advice(hint=str(problem))
        if isinstance(lines, list) and lines and isinstance(lines[0], dict):
            walked.noticed.thing("ledger_line", ExportFileMap(contract).contract_event(lines[0]))
    said = f"a ZIP of {len(answer.body)} bytes with {len(files)} files"
    return said, of_package(tuple(files), contract)


async def read_manifest(walked: Walked) -> Seen:
    """Read the manifest over HTTP."""
    org, export = walked.have_org(), walked.export
    if export is None or not walked.is_ready:
        raise Inconclusive("there is no export that is ready")
    answer = await org.client.call("getManifest", path={"export_id": export["id"]})
    walked.expect_success(answer, 200)
    manifest = answer.document
    files, head = manifest.get("files"), manifest.get("ledger_head")
    walked.noticed.thing("manifest", manifest)
    if isinstance(files, list) and files and isinstance(files[0], dict):
        walked.noticed.thing("manifest_file", files[0])
    if isinstance(head, dict):
        walked.noticed.thing("manifest_head", head)
    count = len(files) if isinstance(files, list) else 0
    return f"it lists {count} files", None


async def verify_manifest(walked: Walked) -> Seen:
    """Have the stored manifest verified."""
    org, export = walked.have_org(), walked.export
    if export is None or not walked.is_ready:
        raise Inconclusive("there is no export that is ready")
    answer = await org.client.call("verifyManifest", json={"export_id": export["id"]})
    walked.expect_success(answer, 200)
    walked.noticed.thing("manifest_verification", answer.data)
    return "answered", None
