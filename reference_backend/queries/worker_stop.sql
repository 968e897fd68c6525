-- Another process may work under the same name: its row stays.
DELETE FROM workers WHERE name = %(worker)s AND instance = %(instance)s::uuid
