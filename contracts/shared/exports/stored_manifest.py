"""The manifest that a backend stored, also of one without getManifest."""

from dataclasses import replace

from contracts.shared.exports.archive import unpack
from harness.client import Answer, Client
from harness.errors import CheckFailed
from harness.expect import expect, expect_status
from harness.findings.preconditions import precondition
from harness.untrusted.documents import BadDocument, parse

MANIFEST_SHOWN = "manifest.shown"
"""The rule that a ready export shows its manifest."""


async def stored_manifest(client: Client, export_id: str) -> Answer:
    """Give the answer of getManifest to a ready export.

    Where the target declares that operation absent: an answer with the bytes of `manifest.json` in
    the export's ZIP, which are the same ones. Where neither is there, a precondition is not met.
    """
    with precondition(MANIFEST_SHOWN):
        path = {"export_id": export_id}
        if client.has("getManifest"):
            return expect_status(await client.call("getManifest", path=path), 200)
        return _manifest_in(await client.download(export_id))


def _manifest_in(download: Answer) -> Answer:
    """Give the answer that getManifest would be, from an export's ZIP."""
    entries = unpack(download)
    expect(
        "manifest.json" in entries,
        expected=f"manifest.json in {download.path}",
        got=str([*entries]),
        subject="downloadExport",
    )
    text = entries["manifest.json"]
    try:
        translated = download.dialect.contract_manifest(parse(text))
    except BadDocument as error:
        raise CheckFailed(
            expected=f"JSON in manifest.json of {download.path}",
            got=f"{error}",
            subject="downloadExport",
        ) from error
    of_json = {"content-type": "application/json"}
    sent = replace(download, body=text, headers=of_json, as_sent=None, translated=None)
    return replace(sent, as_sent=sent, translated=translated)
