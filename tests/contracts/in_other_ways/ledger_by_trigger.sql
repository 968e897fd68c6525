-- A right ledger built in another way: a trigger before each INSERT numbers, links and hashes the event.
-- It acts in every session (ENABLE ALWAYS), and so does the one that refuses changes.
CREATE FUNCTION number_and_hash() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_salt text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger:' || NEW.organization_id, 0));
    SELECT head.ledger_seq + 1, head.hash INTO NEW.ledger_seq, NEW.prev_hash
    FROM audit_logs AS head
    WHERE head.organization_id = NEW.organization_id
    ORDER BY head.ledger_seq DESC
    LIMIT 1;
    NEW.ledger_seq := COALESCE(NEW.ledger_seq, 1);
    SELECT s.key_id, s.salt INTO STRICT NEW.salt_key_id, v_salt FROM ledger_salts AS s WHERE s.active;
    NEW.hash := ledger_hash(ledger_canonical(NEW), NEW.prev_hash, v_salt);
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION number_and_hash() FROM PUBLIC;
CREATE TRIGGER number_and_hash BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION number_and_hash();
ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER number_and_hash;
ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER append_only;

CREATE OR REPLACE FUNCTION ledger_append(
    p_organization_id uuid, p_event_name text, p_target_type text, p_target_id uuid, p_metadata jsonb
) RETURNS audit_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_event audit_logs;
BEGIN
    IF p_organization_id IS DISTINCT FROM request_organization_id() THEN
        RAISE insufficient_privilege USING MESSAGE = 'this is another organization''s ledger';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger:' || p_organization_id, 0));
    INSERT INTO audit_logs (
        id, organization_id, actor_id, event_name, target_type, target_id, created_at, metadata, canonical_version
    )
    VALUES (
        gen_random_uuid(), p_organization_id, request_actor_id(), p_event_name, p_target_type, p_target_id,
        clock_timestamp(), COALESCE(p_metadata, '{}'), 1
    )
    RETURNING * INTO v_event;
    RETURN v_event;
END
$$;
