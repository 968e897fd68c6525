SELECT id
FROM request_export(%(id)s, %(job_id)s, %(export_type)s, %(filters)s)
