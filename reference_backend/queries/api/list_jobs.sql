SELECT id, organization_id, title, created_by, created_at
FROM jobs
WHERE (created_at, id) > (%(after_time)s, %(after_id)s)
ORDER BY created_at, id
LIMIT %(rows)s
