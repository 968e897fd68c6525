SELECT id, organization_id, ledger_seq, actor_id, event_name, target_type, target_id, created_at,
       metadata::text AS metadata, prev_hash, hash, salt_key_id, canonical_version
FROM audit_logs
WHERE organization_id = %(organization_id)s AND target_id = %(export_id)s AND event_name = 'export.completed'
ORDER BY ledger_seq
