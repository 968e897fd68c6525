SELECT *
FROM evidence
WHERE job_id = %(job_id)s AND (created_at, id) > (%(after_time)s, %(after_id)s)
ORDER BY created_at, id
LIMIT %(rows)s
