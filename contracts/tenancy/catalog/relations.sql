-- Every table and view in the backend's own schemas, with all that decides who may see its rows.
-- What belongs to an extension, to PostgreSQL or to the harness (schema shakedown) is left out.
SELECT
    c.oid::bigint AS oid,
    n.nspname AS schema,
    c.relname AS table_name,
    format('%%I.%%I', n.nspname, c.relname) AS name,
    c.relkind::text AS kind,
    owner.rolname AS owner,
    c.relrowsecurity AS row_security,
    c.relforcerowsecurity AS forced,
    EXISTS (
        SELECT FROM pg_options_to_table(c.reloptions) AS option
        WHERE option.option_name = 'security_invoker' AND option.option_value::boolean
    ) AS security_invoker,
    (
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
            'name', a.attname,
            'type', format_type(a.atttypid, NULL),
            'computed', a.attgenerated <> '' OR a.attidentity = 'a',
            'granted', (
                SELECT COALESCE(jsonb_object_agg(role.rolname, to_jsonb(ARRAY(
                    SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS privilege
                    WHERE has_column_privilege(role.oid, c.oid, a.attnum, privilege)
                ))), '{}')
                FROM pg_roles AS role
                WHERE role.rolname = ANY (%(roles)s)
                  AND has_schema_privilege(role.oid, n.oid, 'USAGE')
            )
        ) ORDER BY a.attnum), '[]')
        FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS columns,
    (
        SELECT COALESCE(jsonb_object_agg(role.rolname, to_jsonb(ARRAY(
            SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS privilege
            WHERE has_any_column_privilege(role.oid, c.oid, privilege)
            UNION ALL
            SELECT privilege FROM unnest(ARRAY['DELETE', 'TRUNCATE']) AS privilege
            WHERE has_table_privilege(role.oid, c.oid, privilege)
        ))), '{}')
        FROM pg_roles AS role
        WHERE role.rolname = ANY (%(roles)s) AND has_schema_privilege(role.oid, n.oid, 'USAGE')
    ) AS granted,
    (
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
            'name', p.polname,
            'permissive', p.polpermissive,
            'command', p.polcmd,
            'roles', (
                SELECT COALESCE(jsonb_agg(role.rolname), '[]')
                FROM pg_roles AS role
                WHERE role.rolname = ANY (%(roles)s) AND EXISTS (
                    SELECT FROM unnest(p.polroles) AS named
                    WHERE named = 0 OR pg_has_role(role.oid, named, 'USAGE')
                )
            ),
            'using', pg_get_expr(p.polqual, p.polrelid),
            'with_check', pg_get_expr(p.polwithcheck, p.polrelid)
        ) ORDER BY p.polname), '[]')
        FROM pg_policy AS p
        WHERE p.polrelid = c.oid
    ) AS policies,
    ARRAY(
        SELECT DISTINCT d.refobjid::bigint
        FROM pg_rewrite AS r
        JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        WHERE r.ev_class = c.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
    ) AS reads, -- of a view: what its query is made of
    ARRAY(
        SELECT i.inhparent::bigint FROM pg_inherits AS i WHERE i.inhrelid = c.oid
    ) AS parents, -- of a partition: what it is a part of
    ARRAY(
        SELECT DISTINCT f.confrelid::bigint
        FROM pg_constraint AS f
        WHERE f.conrelid = c.oid AND f.contype = 'f'
    ) AS referenced -- by foreign keys
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_roles AS owner ON owner.oid = c.relowner
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT LIKE 'pg\_%%' AND n.nspname NOT IN ('information_schema', 'shakedown')
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  )
ORDER BY 2, 3
