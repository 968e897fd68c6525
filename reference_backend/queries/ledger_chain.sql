-- A range of one organization's ledger, in order.
SELECT id, organization_id, ledger_seq, actor_id, event_name, target_type, target_id, created_at,
       metadata::text AS metadata, prev_hash, hash, salt_key_id, canonical_version
FROM audit_logs
WHERE organization_id = %(organization_id)s AND ledger_seq > %(after)s AND ledger_seq <= %(up_to)s
ORDER BY ledger_seq
LIMIT %(limit)s
