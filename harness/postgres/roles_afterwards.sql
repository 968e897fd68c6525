-- What a prelude did to the harness's own roles that they must not be without, a sentence a row.
SELECT what
FROM pg_roles AS r
CROSS JOIN LATERAL (
    VALUES
        (r.rolsuper, 'the role %%I is a superuser now: no row security would bind it'),
        (
            r.rolname = %(observer)s AND NOT r.rolbypassrls,
            'the role %%I no longer reads past row security (BYPASSRLS)'
        ),
        (
            r.rolname = %(observer)s AND NOT pg_has_role(r.oid, 'pg_read_all_data', 'USAGE'),
            'the role %%I is no longer a member of pg_read_all_data'
        ),
        (
            r.rolname = %(owner)s AND NOT r.rolcreaterole,
            'the role %%I may no longer make roles (CREATEROLE)'
        )
) AS rule (is_broken, sentence)
CROSS JOIN LATERAL format(rule.sentence, r.rolname) AS what
WHERE r.rolname IN (%(owner)s, %(observer)s) AND rule.is_broken
UNION ALL
SELECT format('the database no longer belongs to the role %%I', %(owner)s::text)
FROM pg_database AS d
WHERE d.datname = current_database() AND d.datdba <> %(owner)s::regrole
ORDER BY what
