SELECT *
FROM evidence
WHERE id = %(id)s
