-- No row: the key is taken. A transaction that has reserved it but not committed yet is waited for.
INSERT INTO idempotency_keys (organization_id, route, key, fingerprint)
VALUES (request_organization_id(), %(route)s, %(key)s, %(fingerprint)s)
ON CONFLICT (organization_id, route, key) DO NOTHING
RETURNING key
