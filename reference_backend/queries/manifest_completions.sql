SELECT id, metadata ->> 'manifest_hash' AS manifest_hash
FROM audit_logs
WHERE organization_id = %(organization_id)s AND target_id = %(export_id)s AND event_name = 'export.completed'
ORDER BY ledger_seq
