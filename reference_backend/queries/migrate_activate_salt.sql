UPDATE ledger_salts SET active = true WHERE key_id = %(key_id)s AND NOT active
