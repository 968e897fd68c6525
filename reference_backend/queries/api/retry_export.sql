SELECT retry_export(%(id)s::uuid) AS done
