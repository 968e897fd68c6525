"""Defects of claiming bundles, and of what is in them."""

import hashlib
import json
import sqlite3

from tests.foreign.changes import all_of, edit, put
from tests.foreign.flask import bundles, claiming, packing, store
from tests.foreign.flask.claiming import Claim, Claims
from tests.foreign.flask.defects.defect import Defect
from tests.foreign.flask.packing import Contents


def _pick_then_take(self: Claims) -> Claim | None:
    with self.depot.store.reading() as connection:
        cap = {"cap": self.depot.settings.running_per_tenant}
        picked = connection.execute(claiming.PICK, cap).fetchone()
    if picked is None:
        return None
    with self.depot.store.writing() as connection:
        return self.take(connection, picked["id"])


def _recovers_nothing(self: Claims) -> int:
    return 0


def _all_but_the_last(packed: Contents) -> list[sqlite3.Row]:
    return packed.files[:-1] or packed.files


def _digest_of_pretty_text(index_bytes: bytes) -> str:
    return hashlib.sha256(json.dumps(json.loads(index_bytes), indent=2).encode()).hexdigest()


def _named_as_sent(row: sqlite3.Row) -> str:
    return f"files/{row['name']}"


_UNFENCED = " AND status = 'running' AND lease = :lease"

DEFECTS = (
    Defect(
        id="claim-without-transaction",
        title="What to claim is read in one transaction and taken in another",
        breaks="two workers make the same bundle, and both say that it is done",
        expected=("claim.exactly-once", "load.exactly-once"),
        switch_on=all_of(
            put(Claims, "next", _pick_then_take),
            edit(claiming, "TAKE", " AND status = 'new'", ""),
            edit(claiming, "FINISH", _UNFENCED, ""),
        ),
    ),
    Defect(
        id="late-worker-finishes",
        title="Neither beating nor finishing asks for the lease",
        breaks="a worker that lost a bundle ends it, stopped ones too",
        expected=("chaos.worker-pause-zombie", "golden.export-download"),
        switch_on=all_of(
            edit(claiming, "BEAT", _UNFENCED, ""),
            edit(claiming, "FINISH", _UNFENCED, ""),
        ),
    ),
    Defect(
        id="lease-never-recovered",
        title="Nobody looks for leases that ran out",
        breaks="the bundle of a killed worker is running for ever",
        expected=("chaos.worker-kill",),
        switch_on=put(Claims, "recover", _recovers_nothing),
    ),
    Defect(
        id="zip-misses-a-file",
        title="The last file is not packed",
        breaks="the index lists what the ZIP does not hold",
        expected=("manifest.files-match",),
        switch_on=put(packing, "files_to_write", _all_but_the_last),
    ),
    Defect(
        id="index-digest-of-pretty-text",
        title="The index's digest is that of another spelling",
        breaks="it is the digest of no bytes that anybody can fetch",
        expected=("golden.manifest", "manifest.stored"),
        switch_on=put(packing, "index_digest", _digest_of_pretty_text),
    ),
    Defect(
        id="client-names-in-zip",
        title="Entries of the ZIP are named as their clients named them",
        breaks="paths out of the ZIP, and two entries of one name",
        expected=("upload.filename-traversal", "manifest.files-match"),
        switch_on=put(packing, "path_of", _named_as_sent),
    ),
    Defect(
        id="two-live-bundles",
        title="A bundle that is live does not answer the next request for it",
        breaks="two live bundles of one project and kind",
        expected=("instances.no-duplicates", "golden.export-download"),
        switch_on=all_of(
            edit(bundles, "LIVE_ONE", "status IN ('new', 'running')", "status = 'live'"),
            edit(
                store,
                "SCHEMA",
                "CREATE UNIQUE INDEX IF NOT EXISTS one_live_bundle",
                "CREATE INDEX IF NOT EXISTS one_live_bundle",
            ),
        ),
    ),
    Defect(
        id="finished-can-be-stopped",
        title="A finished bundle can be stopped",
        breaks="what was there to fetch is gone",
        expected=("golden.export-download",),
        switch_on=edit(
            bundles, "STOP", "IN ('new', 'running')", "IN ('new', 'running', 'finished')"
        ),
    ),
)
