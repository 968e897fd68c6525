-- Views use the rights and the row security of the calling role (security_invoker).

-- An export as clients see it, with its position among the queued exports of its organization.
CREATE VIEW export_status WITH (security_invoker = true) AS
SELECT e.id, e.job_id, e.organization_id, e.export_type, e.filters, e.state, e.progress, e.attempt, e.claimed_by,
       e.heartbeat_at, e.storage_path, e.object_sha256, e.object_size, e.manifest, e.manifest_hash,
       e.error_code, e.error_message, e.created_at, e.started_at, e.completed_at,
       CASE WHEN e.state = 'queued' THEN (
           SELECT count(*) FROM exports AS q
           WHERE q.organization_id = e.organization_id AND q.state = 'queued'
             AND (q.created_at, q.id) <= (e.created_at, e.id)
       ) END AS queue_position
FROM exports AS e;

-- The ledger with its metadata as text: clients recompute hashes, so the digits of numbers must not change.
CREATE VIEW ledger_events WITH (security_invoker = true) AS
SELECT id, organization_id, ledger_seq, actor_id, event_name, target_type, target_id, created_at,
       metadata::text AS metadata, prev_hash, hash, salt_key_id, canonical_version
FROM audit_logs;

GRANT SELECT ON export_status, ledger_events TO authenticated, service_role;
