-- What makes the role of this session unfit to read with, a sentence a row; no row where it is fit.
--
-- A role is as mighty as every role that it may become (SET ROLE), and an owner may give back to
-- itself what was taken from it. Row security that applies to the reader hides the very rows that
-- checks look for, so that they would find nothing wrong with nothing. What a function with its
-- owner's rights would write is refused by the session, which is read-only as well: that such a
-- function may be called at all is for a check to find.

WITH mine AS (
    SELECT oid, rolname, rolsuper, rolcreaterole
    FROM pg_roles
    -- A superuser is a member of all: to say that it is one is enough.
    WHERE pg_has_role(current_user, oid, 'MEMBER')
      AND (rolname = current_user OR NOT current_setting('is_superuser')::boolean)
),
tables AS (
    SELECT c.oid, c.relowner, c.relkind, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'f', 'S')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%'
      AND n.nspname NOT LIKE 'pg\_temp\_%'
),
by_role AS (
    SELECT format('it is a superuser, or may become %I, who is one', rolname) AS what
    FROM mine
    WHERE rolsuper
    UNION ALL
    SELECT format('it may make roles, or may become %I, who may', rolname)
    FROM mine
    WHERE rolcreaterole AND NOT rolsuper
    UNION ALL
    SELECT format('it may become %I, who writes files or runs programs on the server', rolname)
    FROM mine
    WHERE rolname IN ('pg_write_server_files', 'pg_execute_server_program')
),
by_database AS (
    SELECT format('it may make schemas in the database %I', current_database()) AS what
    FROM mine
    WHERE NOT rolsuper AND has_database_privilege(mine.oid, current_database(), 'CREATE')
    UNION ALL
    SELECT format('it may make tables in the schema %I', n.nspname)
    FROM pg_namespace AS n, mine
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%'
      AND n.nspname NOT LIKE 'pg\_temp\_%'
      AND NOT rolsuper
      AND has_schema_privilege(mine.oid, n.oid, 'CREATE')
),
by_ownership AS (
    SELECT format('it owns %s', t.name) AS what
    FROM tables AS t
    JOIN mine ON mine.oid = t.relowner
    WHERE NOT rolsuper
),
by_table AS (
    SELECT format('it may %s %s', p.privilege, t.name) AS what
    FROM tables AS t
    CROSS JOIN mine
    CROSS JOIN (VALUES ('INSERT INTO'), ('UPDATE'), ('DELETE FROM'), ('TRUNCATE')) AS p (privilege)
    WHERE t.relkind <> 'S'
      AND NOT rolsuper
      AND has_table_privilege(mine.oid, t.oid, split_part(p.privilege, ' ', 1))
    UNION ALL
    SELECT format('it may %s columns of %s', p.privilege, t.name)
    FROM tables AS t
    CROSS JOIN mine
    CROSS JOIN (VALUES ('INSERT'), ('UPDATE')) AS p (privilege)
    WHERE t.relkind <> 'S'
      AND NOT rolsuper
      AND NOT has_table_privilege(mine.oid, t.oid, p.privilege)
      AND has_any_column_privilege(mine.oid, t.oid, p.privilege)
    UNION ALL
    SELECT format('it may advance %s', t.name)
    FROM tables AS t
    CROSS JOIN mine
    WHERE t.relkind = 'S'
      AND NOT rolsuper
      AND has_sequence_privilege(mine.oid, t.oid, 'USAGE, UPDATE')
),
hidden AS (
    SELECT format('row security hides rows of %s from it', t.name) AS what
    FROM tables AS t
    WHERE t.relkind IN ('r', 'p')
      AND row_security_active(t.oid)
      AND NOT EXISTS (
          SELECT FROM pg_policy AS p
          WHERE p.polrelid = t.oid
            AND p.polpermissive
            AND p.polcmd IN ('r', '*')
            AND pg_get_expr(p.polqual, p.polrelid) = 'true'
            AND EXISTS (
                SELECT FROM unnest(p.polroles) AS named (oid)
                WHERE named.oid = 0 OR pg_has_role(current_user, named.oid, 'USAGE')
            )
      )
),
blind AS (
    SELECT 'it may read no table of the database ' || quote_ident(current_database()) AS what
    WHERE NOT EXISTS (
        SELECT FROM tables AS t
        WHERE t.relkind IN ('r', 'p') AND has_table_privilege(t.oid, 'SELECT')
    )
),
everything AS (
    SELECT 1 AS place, what FROM by_role
    UNION SELECT 2, what FROM by_database
    UNION SELECT 3, what FROM by_ownership
    UNION SELECT 4, what FROM by_table
    UNION SELECT 5, what FROM hidden
    UNION SELECT 6, what FROM blind
)
SELECT what FROM everything ORDER BY place, what
