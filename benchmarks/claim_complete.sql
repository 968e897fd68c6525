-- The bare work of a queue, for pgbench: claim one job, complete it. No ledger, no object, no tenant.
UPDATE bench_queue SET state = 'preparing', attempt = attempt + 1, claim_token = gen_random_uuid(),
       claimed_by = 'pgbench', heartbeat_at = now()
 WHERE id = (SELECT id FROM bench_queue WHERE state = 'queued' ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, claim_token \gset
UPDATE bench_queue SET state = 'ready', completed_at = now()
 WHERE id = :id AND claim_token = ':claim_token' AND state = 'preparing';
