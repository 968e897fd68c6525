-- A queued export that nobody asked for; always rolled back.
WITH probe AS (
    INSERT INTO jobs (organization_id, title) VALUES (gen_random_uuid(), 'readiness probe')
    RETURNING id, organization_id
)
INSERT INTO exports (organization_id, job_id, export_type, created_at)
SELECT organization_id, id, 'ledger', TIMESTAMPTZ 'epoch' FROM probe
