SELECT * FROM export_status WHERE id = %(id)s
