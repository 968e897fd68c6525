-- Which of these paths belong to a record; exports are looked up by the ids in the paths.
SELECT storage_path FROM evidence WHERE storage_path = ANY (%(paths)s::text[])
UNION ALL
SELECT storage_path FROM exports WHERE id = ANY (%(ids)s::uuid[]) AND storage_path = ANY (%(paths)s::text[])
