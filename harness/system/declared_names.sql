-- What a database has, to hold the names of a target file against: schemas, roles, tables with their columns.
SELECT
    ARRAY(
        SELECT nspname::text FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\_%%' AND nspname NOT IN ('information_schema', 'shakedown')
    ) AS schemas,
    ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname NOT LIKE 'pg\_%%') AS roles,
    (
        SELECT COALESCE(json_agg(json_build_object(
            'schema', n.nspname,
            'name', c.relname,
            'visible', pg_table_is_visible(c.oid),
            'columns', ARRAY(
                SELECT a.attname::text FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            )
        )), '[]')
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND n.nspname NOT LIKE 'pg\_%%' AND n.nspname NOT IN ('information_schema', 'shakedown')
    ) AS tables
