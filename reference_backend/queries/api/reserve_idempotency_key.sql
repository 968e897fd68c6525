-- Returns no row if the key is taken. Waits for a concurrent transaction that has inserted it.
INSERT INTO idempotency_keys (organization_id, route, key, fingerprint)
VALUES (request_organization_id(), %(route)s, %(key)s, %(fingerprint)s)
ON CONFLICT (organization_id, route, key) DO NOTHING
RETURNING key
