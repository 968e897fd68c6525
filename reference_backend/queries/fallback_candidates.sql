-- The claimable exports, oldest first; nothing is locked.
SELECT export_id, organization_id::text AS organization_id
FROM claimable_exports(%(limit)s, %(max_per_org)s)
ORDER BY queued_at, export_id
LIMIT %(limit)s
