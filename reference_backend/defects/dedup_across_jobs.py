"""The same bytes are one record of the organization, for all of its jobs."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Duplicates are searched in the whole organization: an upload to one job returns another job's record",
    source="U5: renfield #396, UNIQUE (org, sha256)",
    expected=("upload.sha-dedup",),
    edits=(
        Edit(
            file="migrations/0002_tables.sql",
            old="UNIQUE (organization_id, job_id, file_sha256)",
            new="UNIQUE (organization_id, file_sha256)",
        ),
        Edit(
            file="migrations/0005_requests.sql",
            old="ON CONFLICT (organization_id, job_id, file_sha256) DO NOTHING",
            new="ON CONFLICT (organization_id, file_sha256) DO NOTHING",
        ),
        Edit(
            file="migrations/0005_requests.sql",
            old="WHERE e.organization_id = v_organization_id AND e.job_id = p_job_id AND e.file_sha256 = p_file_sha256;",
            new="WHERE e.organization_id = v_organization_id AND e.file_sha256 = p_file_sha256;",
        ),
        Edit(
            file="queries/api/find_evidence_by_digest.sql",
            old="WHERE job_id = %(job_id)s AND file_sha256 = %(file_sha256)s",
            new="WHERE %(job_id)s::uuid IS NOT NULL AND file_sha256 = %(file_sha256)s",
        ),
    ),
)
