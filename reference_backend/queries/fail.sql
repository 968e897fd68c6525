SELECT fail_export(%(id)s, %(token)s, %(error_code)s, %(error_message)s) AS failed
