-- Every function in the backend's own schemas, with who may call it and what it runs with.
-- What belongs to an extension, to PostgreSQL or to the harness (schema shakedown) is left out.
SELECT
    n.nspname AS schema,
    p.proname AS function_name,
    format('%%I.%%I', n.nspname, p.proname) AS name,
    format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
        AS signature,
    p.prokind::text AS kind,
    language.lanname AS language,
    p.prosqlbody IS NOT NULL AS resolved, -- BEGIN ATOMIC: its names were looked up when it was made
    p.prosecdef AS definer,
    p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS is_trigger,
    p.provariadic <> 0 AS variadic,
    owner.rolname AS owner,
    COALESCE(NULLIF(p.prosrc, ''), pg_get_function_sqlbody(p.oid), '') AS body,
    (
        SELECT substr(setting, length('search_path=') + 1)
        FROM unnest(p.proconfig) AS setting
        WHERE setting LIKE 'search\_path=%%'
    ) AS search_path,
    (
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
            'name', COALESCE(argument.name, ''), 'type', format_type(argument.type, NULL)
        ) ORDER BY argument.place), '[]')
        FROM unnest(
            COALESCE(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes::text[]
        ) WITH ORDINALITY AS argument (type, name, mode, place)
        WHERE argument.type IS NOT NULL AND COALESCE(argument.mode, 'i') IN ('i', 'b', 'v')
    ) AS arguments,
    ARRAY(
        SELECT COALESCE(grantee.rolname, 'PUBLIC')
        FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS entry
        LEFT JOIN pg_roles AS grantee ON grantee.oid = entry.grantee
        WHERE entry.privilege_type = 'EXECUTE' AND entry.grantee <> p.proowner
          AND NOT COALESCE(grantee.rolsuper, false)
          AND NOT EXISTS (
              SELECT FROM pg_roles AS worker
              WHERE worker.rolname = %(worker_role)s AND worker.oid <> grantee.oid
                AND pg_has_role(grantee.oid, worker.oid, 'MEMBER')
          )
        ORDER BY 1
    ) AS granted, -- to others than its owner, superusers and those who may become a worker anyway
    ARRAY(
        SELECT role.rolname FROM pg_roles AS role
        WHERE role.rolname = ANY (%(roles)s)
          AND has_function_privilege(role.oid, p.oid, 'EXECUTE')
          AND has_schema_privilege(role.oid, n.oid, 'USAGE')
        ORDER BY 1
    ) AS callers -- of the contract's roles, by any grant
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_language AS language ON language.oid = p.prolang
JOIN pg_roles AS owner ON owner.oid = p.proowner
WHERE n.nspname NOT LIKE 'pg\_%%' AND n.nspname NOT IN ('information_schema', 'shakedown')
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  )
ORDER BY signature
