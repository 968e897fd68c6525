-- Before another key is activated: at most one may be active at any moment.
UPDATE ledger_salts SET active = false WHERE active AND key_id <> %(key_id)s
