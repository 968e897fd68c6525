SELECT id, job_id, organization_id, file_name, file_size, mime_type, file_sha256, state, storage_path,
       tag, phase, captured_at, created_at, ledger_event_id
FROM seal_evidence(%(id)s, %(job_id)s, %(file_name)s, %(file_size)s, %(mime_type)s, %(file_sha256)s,
                   %(storage_path)s, %(tag)s, %(phase)s, %(captured_at)s)
