-- The three roles that requests and workers act as. They cannot log in: the login role of DATABASE_URL
-- becomes one of them for a transaction (API) or for its whole connection (worker).
--
-- Roles belong to the whole cluster, so two databases may be migrated at once: whoever comes second finds
-- the role there. The login role gets SET without INHERIT: were it to inherit service_role, that role's
-- row security policies would apply to it as well and the forced row security of its tables would be void.
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', v_role);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
        END;
        IF NOT pg_has_role(current_user, v_role, 'SET') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', v_role);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;

-- Functions are executable by everybody unless said otherwise; here nobody is, unless said otherwise.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
