-- The roles of an embedded cluster, made once in the cached template. Every run gives them
-- passwords of its own; until then only the superuser can log in.

-- What the backend gets. It owns its database and may create roles, as a migration does, but it is
-- no superuser: row security that is forced binds it, and a check of row security means something.
CREATE ROLE backend LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS;

-- What checks read with: everything, row security or not, and nothing but reading.
CREATE ROLE observer LOGIN BYPASSRLS;
GRANT pg_read_all_data, pg_read_all_stats TO observer;
ALTER ROLE observer SET default_transaction_read_only = on;
