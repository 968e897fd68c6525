INSERT INTO jobs (organization_id, title, created_by)
VALUES (request_organization_id(), %(title)s, request_actor_id())
RETURNING id, organization_id, title, created_by, created_at
