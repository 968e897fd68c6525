-- The evidence of a job as of a place in the ledger.
SELECT id, mime_type, file_size, file_sha256, storage_path
FROM evidence
WHERE organization_id = %(organization_id)s AND job_id = %(job_id)s AND ledger_seq <= %(up_to)s
ORDER BY id
