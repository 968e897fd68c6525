-- The optimistic claim: returns a row only if the export was still queued and its organization below the cap.
UPDATE exports AS e
SET state = 'preparing', attempt = e.attempt + 1, claimed_by = %(worker)s, claim_token = gen_random_uuid(),
    started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), progress = 0
WHERE e.id = %(export_id)s AND e.state = 'queued'
  AND (SELECT count(*) FROM exports AS p
       WHERE p.organization_id = %(organization_id)s::uuid AND p.state = 'preparing') < %(max_per_org)s
RETURNING e.id, e.organization_id, e.job_id, e.export_type, e.attempt, e.claim_token, e.created_at,
          e.filters::text AS filters, e.ledger_head_seq, e.ledger_head_hash
