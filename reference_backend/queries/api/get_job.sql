SELECT id, organization_id, title, created_by, created_at
FROM jobs
WHERE id = %(id)s
