-- The changes of exports in the order they were written, as the harness's own trigger recorded them.
(SELECT json_agg(t)
 FROM (SELECT n, at, export_id, organization_id, old_state, new_state, old_attempt, new_attempt,
              old_claimed_by, new_claimed_by, heartbeat_at, txid, old_token, token
       FROM shakedown.export_transitions
       WHERE %(organizations)s::text[] IS NULL OR organization_id = ANY (%(organizations)s::text[])
       ORDER BY n) AS t)
