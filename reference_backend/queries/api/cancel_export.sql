SELECT cancel_export(%(id)s::uuid) AS done
