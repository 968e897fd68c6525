SELECT id
FROM evidence
WHERE job_id = %(job_id)s AND file_sha256 = %(file_sha256)s
