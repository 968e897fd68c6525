-- The changes of exports in the order they were written, as the harness's own trigger recorded them.
SELECT n, at, export_id::text, organization_id::text, old_state, new_state, old_attempt, new_attempt,
       old_claimed_by, new_claimed_by, heartbeat_at
FROM shakedown.export_transitions
WHERE %(organizations)s::uuid[] IS NULL OR organization_id = ANY (%(organizations)s::uuid[])
ORDER BY n
