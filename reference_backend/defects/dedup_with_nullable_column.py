"""The tag became part of the unique key, and NULL differs from NULL."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The unique key for duplicates contains a nullable column: concurrent untagged uploads are stored twice",
    source="U6: renfield #396",
    expected=("upload.sha-dedup",),
    edits=(
        Edit(
            file="migrations/0002_tables.sql",
            old="UNIQUE (organization_id, job_id, file_sha256)",
            new="UNIQUE (organization_id, job_id, file_sha256, tag)",
        ),
        Edit(
            file="migrations/0005_requests.sql",
            old="ON CONFLICT (organization_id, job_id, file_sha256) DO NOTHING",
            new="ON CONFLICT (organization_id, job_id, file_sha256, tag) DO NOTHING",
        ),
        Edit(
            file="migrations/0005_requests.sql",
            old="AND e.file_sha256 = p_file_sha256;\n",
            new="AND e.file_sha256 = p_file_sha256 LIMIT 1;\n",
        ),
    ),
)
