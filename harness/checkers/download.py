"""Is a downloaded export whole, and does it match its manifest and its digest?"""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.checkers.violations import Violation
from harness.client.answers.record import NO_DIALECT, ResourceDialect
from harness.untrusted.archives import BadArchive, unpacked
from harness.untrusted.documents import parse
from harness.untrusted.repr_digest import sha256_in
from harness.vocabulary.exports import MANIFEST_FILE


@dataclass(frozen=True, kw_only=True)
class Download:
    """The answer to the download of an export that is ready."""

    export_id: str
    status: int
    body: bytes
    repr_digest: str | None
    """Its header (RFC 9530)."""
    manifest_hash: str | None
    """As in the export's data, or its `export.completed` event."""
    dialect: ResourceDialect = NO_DIALECT
    """How the backend's files differ from the contract's."""
    may_lack_digest: bool = False
    """Whether it is from a signed address that shows no digest, or the target declares none."""


def download_violations(download: Download) -> list[Violation]:
    """Give everything that is wrong with a downloaded export."""
    if download.status != 200:
        return [
            _violation(
                download,
                "no-object",
                "to download, as it is ready",
                f"status {download.status}: {download.body[:200]!r}",
            )
        ]
    found = list(_digest(download))
    try:
        contents = {
            download.dialect.contract_file_name(name): content
            for name, content in unpacked(download.body).items()
        }
    except BadArchive as error:
        beginning = f"{len(download.body)} bytes that begin with {download.body[:8]!r}"
        got = f"{beginning}: {error}"
        return [*found, _violation(download, "no-zip", "to be a valid ZIP", got)]
    return [*found, *_manifest(download, contents)]


def download_fields(download: Download) -> dict[str, Any]:
    """Give the fields of a history's entry of a download, with the first thing wrong inside it."""
    inside = [each for each in download_violations(download) if each.rule not in _OUTSIDE]
    declared = sha256_in(download.repr_digest)
    return {
        "job": download.export_id,
        "status": download.status,
        "sha256": hashlib.sha256(download.body).hexdigest() if download.status == 200 else None,
        "declared": declared.hex() if declared else None,
        "may_lack": download.may_lack_digest,
        "problem": inside[0].rule if inside else "",
        "error": _said(download, inside),
    }


_OUTSIDE = frozenset({"no-object", "digest"})
"""What the entry's other fields say."""


def _said(download: Download, inside: Sequence[Violation]) -> str | None:
    if download.status != 200:
        return f"status {download.status}: {download.body[:200]!r}"
    return f"{inside[0].got}; expected {inside[0].expected}" if inside else None


def _digest(download: Download) -> Iterator[Violation]:
    if download.may_lack_digest:
        return  # those of its manifest are compared
    declared = sha256_in(download.repr_digest)
    actual = hashlib.sha256(download.body)
    if declared != actual.digest():
        shown = declared.hex() if declared else download.repr_digest
        yield _violation(
            download,
            "digest",
            f"to have the sha-256 of its Repr-Digest ({shown})",
            f"{actual.hexdigest()} over {len(download.body)} bytes",
        )


def _manifest(download: Download, contents: Mapping[str, bytes]) -> Iterator[Violation]:
    manifest = contents.get(MANIFEST_FILE)
    if manifest is None:
        yield _violation(
            download, "manifest", f"to hold {MANIFEST_FILE}", f"only {sorted(contents)}"
        )
        return
    digest = hashlib.sha256(manifest).hexdigest()
    if digest != download.manifest_hash:
        expected = f"to hold the manifest with the recorded hash {download.manifest_hash}"
        yield _violation(download, "manifest", expected, digest)
    try:
        listed = _listed(manifest, download.dialect)
    except (ValueError, LookupError, TypeError) as error:
        yield _violation(
            download, "manifest", "to hold a manifest that lists its files", f"{error!r}"
        )
        return
    for name, there, got in _differences(listed, contents):
        expected = f"to hold {name!r} as its manifest lists it: {there}"
        yield _violation(download, "files", expected, got)


def file_problem(contents: Mapping[str, bytes], dialect: ResourceDialect = NO_DIALECT) -> str:
    """Say which file of an unpacked export is not as its manifest lists it; empty for none."""
    named = {dialect.contract_file_name(name): content for name, content in contents.items()}
    if MANIFEST_FILE not in named:
        return f"there is no {MANIFEST_FILE} in {sorted(named)}"
    try:
        listed = _listed(named[MANIFEST_FILE], dialect)
    except (ValueError, LookupError, TypeError) as error:
        return f"it lists no files: {error!r}"
    found = next(_differences(listed, named), None)
    return "" if found is None else f"{found[0]!r} should be {found[1]}, and is {found[2]}"


_Files = Mapping[str, tuple[object, object]]


def _listed(manifest: bytes, dialect: ResourceDialect) -> _Files:
    """Give size and digest of each file that a manifest lists."""
    files = dialect.contract_manifest(parse(manifest))["files"]
    return {file["name"]: (file["size"], file["sha256"]) for file in files}


def _differences(listed: _Files, contents: Mapping[str, bytes]) -> Iterator[tuple[str, str, str]]:
    """Give every file that is not as it is listed: its name, what is listed, what it is."""
    actual = {
        name: (len(content), hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
        if name != MANIFEST_FILE
    }
    for name in sorted(listed.keys() | actual.keys()):
        if listed.get(name) != actual.get(name):
            yield name, _shown(listed.get(name)), _shown(actual.get(name))


def _shown(file: tuple[object, object] | None) -> str:
    return f"{file[0]} bytes, sha-256 {file[1]}" if file else "not at all"


def _violation(download: Download, rule: str, expected: str, got: str) -> Violation:
    return Violation(
        rule=rule,
        subject=download.export_id,
        expected=f"export {download.export_id} {expected}",
        got=got,
    )


def _example(files: Mapping[str, bytes], **changed: bytes) -> Download:
    """Build a right download of these files; then put other contents into the ZIP."""
    listed = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    ]
    manifest = json.dumps({"files": listed}).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**files, MANIFEST_FILE: manifest, **changed}.items():
            archive.writestr(name, content)
    return _with_digest(buffer.getvalue(), hashlib.sha256(manifest).hexdigest())


def _with_digest(body: bytes, manifest_hash: str, digested: bytes | None = None) -> Download:
    digest = hashlib.sha256(body if digested is None else digested).digest()
    return Download(
        export_id="e1",
        status=200,
        body=body,
        repr_digest=f"sha-256=:{base64.b64encode(digest).decode()}:",
        manifest_hash=manifest_hash,
    )


def _from_address(download: Download) -> Download:
    return replace(download, repr_digest=None, may_lack_digest=True)


_FILES = {"evidence": b"a picture", "ledger": b"[]"}
_GOOD = _example(_FILES)
_HASH = _GOOD.manifest_hash or ""

ACCEPTS: Mapping[str, Download] = {
    "a whole export": _GOOD,
    "one without any file": _example({}),
    "one from an address that shows no digest": _from_address(_GOOD),
}

REJECTS: Mapping[str, tuple[str, Download]] = {
    "ready, but there is no object": (
        "no-object",
        Download(export_id="e1", status=404, body=b"", repr_digest=None, manifest_hash=_HASH),
    ),
    "the digest of other bytes": ("digest", _with_digest(_GOOD.body, _HASH, b"other")),
    "no digest at all": (
        "digest",
        Download(
            export_id="e1", status=200, body=_GOOD.body, repr_digest=None, manifest_hash=_HASH
        ),
    ),
    "no digest, and a file with other bytes": (
        "files",
        _from_address(_example(_FILES, evidence=b"another picture")),
    ),
    "half an object": ("no-zip", _with_digest(_GOOD.body[: len(_GOOD.body) // 2], _HASH)),
    "an empty object": ("no-zip", _with_digest(b"", _HASH)),
    "another attempt's manifest": ("manifest", _with_digest(_GOOD.body, "0" * 64)),
    "a manifest that is none": ("manifest", _example(_FILES, **{MANIFEST_FILE: b"[]"})),
    "a file that the manifest does not list": ("files", _example(_FILES, surprise=b"!")),
    "a file with other bytes": ("files", _example(_FILES, evidence=b"another picture")),
}
