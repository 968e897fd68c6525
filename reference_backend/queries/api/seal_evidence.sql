SELECT *
FROM seal_evidence(%(id)s, %(job_id)s, %(file_name)s, %(file_size)s, %(mime_type)s, %(file_sha256)s,
                   %(storage_path)s, %(tag)s, %(phase)s, %(captured_at)s)
