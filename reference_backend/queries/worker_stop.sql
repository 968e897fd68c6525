DELETE FROM workers WHERE name = %(worker)s
