"""Defects of giving back what was kept, and of the journal."""

import base64
import sqlite3
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException

from flask import Request, Response
from tests.foreign.changes import all_of, edit, put
from tests.foreign.flask import delivery, journal, store
from tests.foreign.flask.defects.defect import Defect
from tests.foreign.flask.delivery import Part
from tests.foreign.flask.journal import Head, Journal
from tests.foreign.flask.people import Caller
from tests.foreign.flask.web import app, reading


def _last_is_excluded(header: str | None, size: int) -> Part | None:
    part = _asked_part(header, size)
    if part is None or part.last == size - 1:
        return part
    return Part(first=part.first, last=max(part.last - 1, part.first), size=size)


_asked_part = delivery.asked_part


def _digest_of_hex(sha256: str) -> str:
    return f"sha-256=:{base64.b64encode(sha256.encode()).decode()}:"


def _to_be_rendered(
    request: Request, path: Path, *, sha256: str, media_type: str, name: str
) -> Response:
    answer = _send(request, path, sha256=sha256, media_type=media_type, name=name)
    del answer.headers["X-Content-Type-Options"]
    answer.headers["Content-Disposition"] = "inline"
    return answer


_send = delivery.send
_heads: dict[str, Head] = {}


def _remembered_head(connection: sqlite3.Connection, tenant: str) -> Head:
    # Asking the database for every entry was slow; this process knows what it wrote last.
    if tenant not in _heads:
        _heads[tenant] = _head_of(connection, tenant)
    return _heads[tenant]


def _append_and_remember(
    self: Journal,
    connection: sqlite3.Connection,
    *,
    tenant: str,
    caller: Caller | None,
    what: str,
    subject: str,
    details: dict[str, Any],
) -> sqlite3.Row:
    added = _append(
        self,
        connection,
        tenant=tenant,
        caller=caller,
        what=what,
        subject=subject,
        details=details,
    )
    _heads[added["tenant"]] = Head(number=added["number"], seal=added["seal"])
    return added


_head_of = journal.head_of
_append = Journal.append


def _proof_of_itself(
    self: Journal, connection: sqlite3.Connection, entry: sqlite3.Row
) -> dict[str, Any]:
    return {"seal_ok": True, "before_ok": True, "chain_ok": True, "length": 1, "broken": []}


def _proof_of_another_salt(self: Journal, entry: dict[str, Any], before: str | None) -> str:
    return _seal(Journal(salt=self.salt + str(id(entry)), salt_id=self.salt_id), entry, before)


_seal = Journal.seal


def _hopefully_utf8(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise RuntimeError("the body cannot be decoded") from error


def _without_allow(error: HTTPException) -> Response:
    answer = _not_routed(error)
    answer.headers.pop("Allow", None)
    return answer


_not_routed = app._not_routed

DEFECTS = (
    Defect(
        id="range-one-short",
        title="The last byte of a range is taken for the first one after it",
        breaks="a part is one byte short",
        expected=("upload.content-fidelity",),
        switch_on=put(delivery, "asked_part", _last_is_excluded),
    ),
    Defect(
        id="digest-of-its-text",
        title="Repr-Digest holds the digest of nothing: its hex text in base64",
        breaks="the digest does not fit the bytes",
        expected=("upload.content-fidelity",),
        switch_on=put(delivery, "digest_header", _digest_of_hex),
    ),
    Defect(
        id="rendered-in-place",
        title="Downloads are sent to be rendered",
        breaks="no nosniff, and inline",
        expected=("upload.content-fidelity",),
        switch_on=put(delivery, "send", _to_be_rendered),
    ),
    Defect(
        id="journal-forks",
        title="The end of the journal is remembered by each process",
        breaks="two processes go on from the same entry",
        expected=("hash.no-fork", "hash.chain"),
        switch_on=all_of(
            put(journal, "head_of", _remembered_head),
            put(Journal, "append", _append_and_remember),
            edit(
                store,
                "SCHEMA",
                "CREATE UNIQUE INDEX IF NOT EXISTS one_entry_a_number",
                "CREATE INDEX IF NOT EXISTS one_entry_a_number",
            ),
        ),
    ),
    Defect(
        id="proof-walks-nowhere",
        title="The proof looks at nothing and says that all is well",
        breaks="a chain of any length is proven with a length of one",
        expected=("hash.chain", "golden.ledger-event"),
        switch_on=put(Journal, "proof", _proof_of_itself),
    ),
    Defect(
        id="seal-cannot-be-repeated",
        title="A seal depends on where its entry lay in memory",
        breaks="no proof ever holds",
        expected=("hash.chain", "golden.ledger-event"),
        switch_on=put(Journal, "seal", _proof_of_another_salt),
    ),
    Defect(
        id="bad-utf8-is-a-bug",
        title="A body that is no UTF-8 is not expected",
        breaks="500 for a body that is not UTF-8",
        expected=("contract.problem-details", "contract.fuzz"),
        switch_on=put(reading, "decoded", _hopefully_utf8),
    ),
    Defect(
        id="no-allow",
        title="A 405 does not say what is allowed",
        breaks="405 without Allow",
        expected=("contract.methods",),
        switch_on=put(app, "_not_routed", _without_allow),
    ),
)
