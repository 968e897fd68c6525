-- Stores the salt of a key id; returns a row only if the key id has this salt.
INSERT INTO ledger_salts AS known (key_id, salt, active) VALUES (%(key_id)s, %(salt)s, false)
ON CONFLICT (key_id) DO UPDATE SET active = known.active WHERE known.salt = EXCLUDED.salt
RETURNING key_id
