"""Bugs in the activity log."""

from tests.foreign.fieldwork.defects.defect import Defect, migrated

LOG = "003_activity_log.sql"


DEFECTS = (
    Defect(
        id="log-forks",
        title="Two entries may follow the same one",
        source="P4, H8 breeze #1002: 204 of 566 parents forked",
        expected=("hash.no-fork", "hash.chain"),
        switch_on=migrated(
            LOG,
            "    PERFORM pg_catalog.pg_advisory_xact_lock("
            "pg_catalog.hashtextextended('activity ' || p_org, 0));\n",
            "",
        ),
    ),
    Defect(
        id="time-of-the-session",
        title="The hashed time depends on the session's TimeZone",
        source="P6: created_at::text in the hash",
        expected=("hash.timezone", "hash.chain"),
        switch_on=migrated(
            LOG,
            "pg_catalog.to_char(entry.logged_at AT TIME ZONE 'UTC',"
            ' \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\')',
            "entry.logged_at::text",
        ),
    ),
    Defect(
        id="payload-not-hashed",
        title="What an entry says is not part of its hash",
        source="H7 PageSpace #1073: nested content ignored",
        expected=("hash.tamper", "hash.chain", "golden.ledger-event"),
        switch_on=migrated(LOG, "        'payload', entry.payload\n", "        'payload', '{}'\n"),
    ),
    Defect(
        id="link-never-compared",
        title="The check of the log does not compare the previous hash",
        source="P8: the verifier computed the previous hash and never compared it",
        expected=("hash.tamper",),
        switch_on=migrated(
            LOG,
            "COALESCE(a.prev_hash, '') ="
            " COALESCE(LAG(a.entry_hash) OVER (ORDER BY a.entry_no), '') AS link_ok",
            "COALESCE(LAG(a.entry_hash) OVER (ORDER BY a.entry_no), '') IS NOT NULL AS link_ok",
        ),
    ),
    Defect(
        id="log-can-be-emptied",
        title="TRUNCATE goes around the trigger that refuses changes",
        source="P9: TRUNCATE went around the immutability trigger",
        expected=("hash.immutable",),
        switch_on=migrated(
            LOG,
            "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON activity_log\n"
            "    FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_change();\n",
            "",
        ),
    ),
)
