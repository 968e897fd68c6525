-- A range of the ledger of each organization, in order.
SELECT a.id, a.organization_id, a.ledger_seq, a.actor_id, a.event_name, a.target_type, a.target_id, a.created_at,
       a.metadata::text AS metadata, a.prev_hash, a.hash, a.salt_key_id, a.canonical_version
FROM unnest(%(organization_ids)s::uuid[], %(after)s::bigint[], %(up_to)s::bigint[])
     AS wanted (organization_id, after, up_to)
JOIN audit_logs AS a
  ON a.organization_id = wanted.organization_id
 AND a.ledger_seq > wanted.after AND a.ledger_seq <= wanted.up_to
ORDER BY a.organization_id, a.ledger_seq
LIMIT %(limit)s
