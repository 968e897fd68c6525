-- An export with the columns that its verification compares, and the hash that is at its ledger head now.
SELECT e.id, e.organization_id, e.job_id, e.export_type, e.state, e.created_at, e.filters::text AS filters,
       e.ledger_head_seq, e.ledger_head_hash, e.manifest, e.manifest_hash, e.storage_path, e.object_sha256,
       head.hash AS head_hash
FROM exports AS e
LEFT JOIN audit_logs AS head
       ON head.organization_id = e.organization_id AND head.ledger_seq = e.ledger_head_seq
WHERE e.id = %(export_id)s
