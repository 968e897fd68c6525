-- The contract's roles: what they are by themselves, and what else they may become.
SELECT
    role.rolname AS name,
    role.rolsuper AS superuser,
    role.rolbypassrls AS bypasses_row_security,
    ARRAY(
        SELECT other.rolname FROM pg_roles AS other
        WHERE other.oid <> role.oid AND pg_has_role(role.oid, other.oid, 'MEMBER')
        ORDER BY 1
    ) AS may_become,
    ARRAY(
        SELECT other.rolname FROM pg_roles AS other
        WHERE other.oid <> role.oid AND pg_has_role(role.oid, other.oid, 'MEMBER')
          AND (other.rolsuper OR other.rolbypassrls)
        ORDER BY 1
    ) AS may_become_unbound, -- by any row security
    ARRAY(
        SELECT n.nspname FROM pg_namespace AS n
        WHERE n.nspname NOT LIKE 'pg\_%%' AND n.nspname <> 'information_schema'
          AND has_schema_privilege(role.oid, n.oid, 'CREATE')
        ORDER BY 1
    ) AS may_create_in
FROM pg_roles AS role
WHERE role.rolname = ANY (%(roles)s)
ORDER BY role.rolname
