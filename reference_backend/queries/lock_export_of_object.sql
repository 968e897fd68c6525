-- Locks the export, if there is one, and tells whether an attempt may be writing its object.
SELECT state IN ('queued', 'preparing') AS may_be_written FROM exports WHERE id = %(id)s::uuid FOR UPDATE
