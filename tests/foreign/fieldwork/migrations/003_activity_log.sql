-- What happened, in one chain of hashes for each organization, written by triggers alone.
CREATE SCHEMA private;
GRANT USAGE, CREATE ON SCHEMA private TO service_role;

CREATE TABLE private.settings (
    name text PRIMARY KEY,
    value text NOT NULL
);
GRANT SELECT ON private.settings TO service_role;

CREATE SEQUENCE activity_entry_no;

CREATE TABLE activity_log (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    entry_no bigint NOT NULL UNIQUE, -- of all organizations together; rises within each
    org_id uuid NOT NULL,
    actor_id uuid,
    action text NOT NULL,
    record_type text NOT NULL,
    record_id uuid NOT NULL,
    logged_at timestamptz(3) NOT NULL,
    payload jsonb NOT NULL,
    prev_hash text,
    entry_hash text NOT NULL
);
CREATE INDEX activity_log_of_org ON activity_log (org_id, entry_no);
CREATE INDEX activity_log_of_record ON activity_log (record_id);

ALTER TABLE activity_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE activity_log FORCE ROW LEVEL SECURITY;
CREATE POLICY read_activity ON activity_log FOR SELECT TO authenticated
    USING (org_id = (SELECT my_org()));
GRANT SELECT ON activity_log TO authenticated;
GRANT SELECT, INSERT ON activity_log TO service_role;
GRANT USAGE ON SEQUENCE activity_entry_no TO service_role;

CREATE FUNCTION activity_text(entry activity_log) RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT pg_catalog.jsonb_pretty(pg_catalog.jsonb_build_object(
        'entry_no', entry.entry_no,
        'org_id', entry.org_id,
        'actor_id', COALESCE(entry.actor_id::text, ''),
        'action', entry.action,
        'record_type', entry.record_type,
        'record_id', entry.record_id,
        'logged_at', pg_catalog.to_char(entry.logged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'payload', entry.payload
    ))
$$;

CREATE FUNCTION private.activity_hash(entry public.activity_log) RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
        public.activity_text(entry) || COALESCE(entry.prev_hash, '')
        || (SELECT s.value FROM private.settings AS s WHERE s.name = 'activity_salt'), 'UTF8'
    )), 'hex')
$$;

CREATE FUNCTION private.log_activity(
    p_org uuid, p_actor uuid, p_action text, p_record_type text, p_record uuid, p_payload jsonb
) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    v_entry public.activity_log;
BEGIN
    -- One writer of an organization at a time: the next hash needs the last one.
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('activity ' || p_org, 0));
    v_entry.id := pg_catalog.gen_random_uuid();
    v_entry.entry_no := pg_catalog.nextval('public.activity_entry_no');
    v_entry.org_id := p_org;
    v_entry.actor_id := p_actor;
    v_entry.action := p_action;
    v_entry.record_type := p_record_type;
    v_entry.record_id := p_record;
    v_entry.logged_at := pg_catalog.clock_timestamp();
    v_entry.payload := p_payload;
    v_entry.prev_hash := (
        SELECT a.entry_hash FROM public.activity_log AS a
        WHERE a.org_id = p_org ORDER BY a.entry_no DESC LIMIT 1
    );
    v_entry.entry_hash := private.activity_hash(v_entry);
    INSERT INTO public.activity_log SELECT v_entry.*;
END
$$;

CREATE FUNCTION private.log_document() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM private.log_activity(
        NEW.org_id, NEW.uploaded_by, 'document.sealed', 'document', NEW.id,
        pg_catalog.jsonb_build_object(
            'workOrderId', NEW.work_order_id, 'sha256', NEW.sha256, 'size', NEW.byte_size
        )
    );
    RETURN NULL;
END
$$;

CREATE FUNCTION private.log_package() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_actor uuid := auth.uid(); -- none where a worker did it
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM private.log_activity(
            NEW.org_id, NEW.requested_by, 'package.requested', 'package', NEW.id,
            pg_catalog.jsonb_build_object('workOrderId', NEW.work_order_id, 'kind', NEW.kind)
        );
    ELSIF NEW.status = 'pending' AND OLD.status = 'error' THEN
        PERFORM private.log_activity(
            NEW.org_id, v_actor, 'package.requested', 'package', NEW.id,
            pg_catalog.jsonb_build_object('workOrderId', NEW.work_order_id, 'again', true)
        );
    ELSIF NEW.status = 'completed' AND OLD.status <> 'completed' THEN
        PERFORM private.log_activity(
            NEW.org_id, v_actor, 'package.completed', 'package', NEW.id,
            pg_catalog.jsonb_build_object(
                'attempt', NEW.attempts, 'manifestSha256', NEW.manifest_sha256, 'zipSha256', NEW.zip_sha256
            )
        );
    ELSIF NEW.status = 'error' AND OLD.status <> 'error' THEN
        PERFORM private.log_activity(
            NEW.org_id, v_actor, 'package.error', 'package', NEW.id,
            pg_catalog.jsonb_build_object('attempt', NEW.attempts, 'reason', NEW.error_reason)
        );
    ELSIF NEW.status = 'cancelled' AND OLD.status <> 'cancelled' THEN
        PERFORM private.log_activity(
            NEW.org_id, v_actor, 'package.cancelled', 'package', NEW.id,
            pg_catalog.jsonb_build_object('attempt', NEW.attempts)
        );
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION private.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION 'activity_log is append-only: % is refused', TG_OP USING ERRCODE = '42501';
END
$$;

-- The chain up to an entry, walked from the beginning.
CREATE FUNCTION private.check_activity(
    p_entry uuid, OUT hash_ok boolean, OUT link_ok boolean, OUT chain_ok boolean, OUT length bigint
)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    WITH walked AS (
        SELECT
            a.id,
            a.entry_no,
            a.entry_hash = private.activity_hash(a) AS hash_ok,
            COALESCE(a.prev_hash, '') = COALESCE(LAG(a.entry_hash) OVER (ORDER BY a.entry_no), '') AS link_ok
        FROM public.activity_log AS a
        JOIN public.activity_log AS asked ON asked.org_id = a.org_id AND a.entry_no <= asked.entry_no
        WHERE asked.id = p_entry
    )
    SELECT
        bool_and(w.hash_ok) FILTER (WHERE w.id = p_entry),
        bool_and(w.link_ok) FILTER (WHERE w.id = p_entry),
        bool_and(w.hash_ok AND w.link_ok),
        count(*)
    FROM walked AS w
$$;

GRANT EXECUTE ON FUNCTION activity_text(activity_log), private.activity_hash(activity_log),
    private.log_activity(uuid, uuid, text, text, uuid, jsonb), private.check_activity(uuid)
    TO service_role;

CREATE TRIGGER log_document AFTER INSERT ON documents
    FOR EACH ROW EXECUTE FUNCTION private.log_document();
CREATE TRIGGER log_package AFTER INSERT OR UPDATE OF status ON proof_packages
    FOR EACH ROW EXECUTE FUNCTION private.log_package();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON activity_log
    FOR EACH ROW EXECUTE FUNCTION private.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON activity_log
    FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_change();

-- What triggers do they do as service_role, which policies do not bind and which may write the log.
ALTER FUNCTION private.log_document() OWNER TO service_role;
ALTER FUNCTION private.log_package() OWNER TO service_role;
