SELECT fingerprint, status_code, resource_id, response
FROM idempotency_keys
WHERE organization_id = request_organization_id() AND route = %(route)s AND key = %(key)s
