UPDATE idempotency_keys
SET status_code = %(status)s, resource_id = %(resource_id)s, response = %(response)s
WHERE organization_id = request_organization_id() AND route = %(route)s AND key = %(key)s
