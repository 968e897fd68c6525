"""Bugs in how packages are made."""

import hashlib
import json

import psycopg
from flask import jsonify
from flask.typing import ResponseReturnValue

from tests.foreign.changes import all_of, put
from tests.foreign.fieldwork import app, packing, proof
from tests.foreign.fieldwork.defects.defect import Defect, migrated
from tests.foreign.fieldwork.refusals import unavailable

PACKAGES = "004_packages.sql"
LOG = "003_activity_log.sql"
_HELD = (
    "WHERE p.id = p_package AND p.lease_token = p_lease AND p.status IN ('generating', 'uploading')"
)


def _of_pretty_text(manifest: str) -> str:
    return hashlib.sha256(json.dumps(json.loads(manifest), indent=2).encode()).hexdigest()


def _nothing_wrong(connection: object, bucket: object, package: object) -> list[str]:
    return []


def _all_ours(error: Exception) -> ResponseReturnValue:
    if isinstance(error, psycopg.OperationalError):
        return app.refused(unavailable())
    return jsonify(error="server_error", message="Something went wrong."), 500


DEFECTS = (
    Defect(
        id="claim-looks-then-takes",
        title="A package is looked for, and then taken, without a lock",
        source="Q1, Q5: wheels #2899, linkid #409",
        expected=("claim.direct-calls", "claim.per-org-cap"),
        switch_on=all_of(
            migrated(
                PACKAGES,
                "        LIMIT 1\n        FOR UPDATE SKIP LOCKED\n    )\n    RETURNING p.id",
                "        LIMIT 1\n    )\n    RETURNING p.id",
            ),
            migrated(
                PACKAGES,
                "    PERFORM pg_catalog.pg_advisory_xact_lock("
                "pg_catalog.hashtextextended('claim_next_package', 0));\n",
                "",
            ),
        ),
    ),
    Defect(
        id="cap-counted-without-lock",
        title="What is running is counted while others claim",
        source="P2: 3 to 16 in flight with 16 clients",
        expected=("claim.per-org-cap",),
        switch_on=migrated(
            PACKAGES,
            "    PERFORM pg_catalog.pg_advisory_xact_lock("
            "pg_catalog.hashtextextended('claim_next_package', 0));\n",
            "",
        ),
    ),
    Defect(
        id="lease-not-compared",
        title="Whoever made a package completes it, whose it is by now or not",
        source="R1, R2: clevis #253, procrastinate, pgqueuer",
        expected=("chaos.worker-pause-zombie",),
        switch_on=migrated(PACKAGES, _HELD, "WHERE p.id = p_package"),
    ),
    Defect(
        id="completed-told-twice",
        title="Every update of a completed package is told as its completion",
        source="P12: ledger events doubled",
        expected=("golden.ledger-event", "golden.export-download"),
        switch_on=all_of(
            migrated(
                LOG,
                "ELSIF NEW.status = 'completed' AND OLD.status <> 'completed' THEN",
                "ELSIF NEW.status = 'completed' THEN",
            ),
            migrated(
                PACKAGES,
                "    RETURN FOUND;\nEND\n$$;\n\nCREATE FUNCTION package_error",
                "    IF FOUND THEN\n"
                "        UPDATE public.proof_packages AS p\n"
                "        SET status = 'completed', progress = 100 WHERE p.id = p_package;\n"
                "    END IF;\n"
                "    RETURN FOUND;\nEND\n$$;\n\nCREATE FUNCTION package_error",
            ),
        ),
    ),
    Defect(
        id="finished-can-be-cancelled",
        title="A package that is completed can be cancelled",
        source="a terminal state that changes",
        expected=("golden.export-download",),
        switch_on=migrated(
            PACKAGES,
            "    ELSIF v_package.status NOT IN ('pending', 'generating', 'uploading') THEN\n"
            "        RETURN 'finished';\n",
            "",
        ),
    ),
    Defect(
        id="digest-of-pretty-text",
        title="The recorded digest is of another text than the manifest's",
        source="P5: hashed with an indent of two spaces",
        expected=("golden.manifest", "manifest.stored"),
        switch_on=all_of(
            put(packing, "manifest_digest", _of_pretty_text), put(proof, "digest", _of_pretty_text)
        ),
    ),
    Defect(
        id="files-not-looked-at",
        title="The check of a package trusts what was recorded of its files",
        source="H13 Containarium #1326: a verifier that compares a record with itself",
        expected=("manifest.tamper-nested",),
        switch_on=put(proof, "wrong_files", _nothing_wrong),
    ),
    Defect(
        id="newest-first",
        title="The newest package is taken first",
        source="Q6: the order of a list copied into the claim",
        expected=("claim.oldest-first",),
        switch_on=migrated(
            PACKAGES, "ORDER BY w.created_at, w.id", "ORDER BY w.created_at DESC, w.id DESC"
        ),
    ),
    Defect(
        id="text-that-breaks",
        title="A text that PostgreSQL cannot hold is an error of the server",
        source="H5: a NUL byte in a text",
        expected=("contract.fuzz",),
        switch_on=put(app, "failed", _all_ours),
    ),
)
