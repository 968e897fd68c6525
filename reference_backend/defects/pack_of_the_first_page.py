"""A proof pack holds the first page of its job's evidence."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A proof pack holds at most 50 files: the query of a list was taken, with its limit",
    source="known: a limit that was meant for pages; few test with more than a handful of files",
    expected=("manifest.files-match",),
    edits=(
        Edit(
            file="queries/evidence_of_exports.sql",
            old=" AND e.ledger_seq <= wanted.up_to",
            new=" AND e.ledger_seq <= wanted.up_to AND (SELECT count(*) FROM evidence older "
            "WHERE older.job_id = e.job_id AND older.ledger_seq < e.ledger_seq) < 50",
        ),
    ),
)
