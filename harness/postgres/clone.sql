-- CREATE DATABASE … TEMPLATE copies what is in a database, but neither its privileges nor what
-- ALTER DATABASE … SET said: both stand in catalogs of the cluster. Copied as they are, because
-- ALTER would have to quote lists such as search_path anew.
WITH privileges AS (
    UPDATE pg_database AS clone SET datacl = original.datacl
    FROM pg_database AS original
    WHERE clone.datname = %(clone)s AND original.datname = %(original)s
)
INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
SELECT clone.oid, setting.setrole, setting.setconfig
FROM pg_db_role_setting AS setting
JOIN pg_database AS original ON original.oid = setting.setdatabase
CROSS JOIN pg_database AS clone
WHERE original.datname = %(original)s AND clone.datname = %(clone)s;
