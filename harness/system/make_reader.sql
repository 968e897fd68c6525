CREATE ROLE shakedown_reader LOGIN BYPASSRLS PASSWORD '...';
GRANT pg_read_all_data TO shakedown_reader; -- PostgreSQL 14 and later; before, GRANT SELECT on each table
ALTER ROLE shakedown_reader SET default_transaction_read_only = on;
REVOKE CREATE ON SCHEMA public FROM PUBLIC; -- where the database is older than PostgreSQL 15
