SELECT id, job_id, organization_id, file_name, file_size, mime_type, file_sha256, state, storage_path,
       tag, phase, captured_at, created_at, ledger_event_id
FROM evidence
WHERE id = %(id)s
