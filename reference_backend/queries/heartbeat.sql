SELECT heartbeat_exports(
    %(worker)s, %(ids)s::uuid[], %(tokens)s::uuid[], %(progress)s::int[], %(instance)s::uuid
) AS token
