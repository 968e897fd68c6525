-- The text that is hashed: PostgreSQL's own rendering of a fixed set of fields. reference_backend/ledger
-- computes the same bytes in Python. Times are written in UTC, independent of TimeZone and DateStyle.
-- A change of this text needs a new canonical_version.
CREATE FUNCTION ledger_canonical(p_event audit_logs) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT jsonb_pretty(jsonb_build_object(
        'ledger_seq',      p_event.ledger_seq,
        'organization_id', p_event.organization_id,
        'actor_id',        COALESCE(p_event.actor_id, ''),
        'event_name',      p_event.event_name,
        'target_type',     p_event.target_type,
        'target_id',       COALESCE(p_event.target_id::text, ''),
        'created_at',      to_char(p_event.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'metadata',        COALESCE(p_event.metadata, '""')
    ))
$$;

CREATE FUNCTION ledger_hash(p_canonical text, p_prev_hash text, p_salt text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT encode(sha256(convert_to(p_canonical || COALESCE(p_prev_hash, '') || p_salt, 'UTF8')), 'hex')
$$;

-- Appends one event to the caller's organization and returns it.
-- The advisory lock serializes the appends of one organization until commit: two appends that read the same
-- head would fork the chain. Callers take all other locks before this call, never after it, so the lock is
-- held briefly and cannot be part of a deadlock (see CONCURRENCY.md).
-- SECURITY DEFINER because callers may neither insert into the ledger nor read the salt.
CREATE FUNCTION ledger_append(
    p_organization_id uuid, p_event_name text, p_target_type text, p_target_id uuid, p_metadata jsonb
) RETURNS audit_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_event audit_logs;
    v_salt  text;
BEGIN
    IF p_organization_id IS DISTINCT FROM request_organization_id() THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'events can only be appended to the ledger of the organization of the request';
    END IF;

    PERFORM pg_advisory_xact_lock(hashtextextended('ledger:' || p_organization_id, 0));

    -- A separate statement: it sees what was committed while this session waited for the lock.
    SELECT head.ledger_seq, head.hash INTO v_event.ledger_seq, v_event.prev_hash
    FROM audit_logs AS head
    WHERE head.organization_id = p_organization_id
    ORDER BY head.ledger_seq DESC
    LIMIT 1;

    SELECT s.key_id, s.salt INTO STRICT v_event.salt_key_id, v_salt
    FROM ledger_salts AS s
    WHERE s.active;

    v_event.id := gen_random_uuid();
    v_event.organization_id := p_organization_id;
    v_event.ledger_seq := COALESCE(v_event.ledger_seq, 0) + 1;
    v_event.actor_id := request_actor_id();
    v_event.event_name := p_event_name;
    v_event.target_type := p_target_type;
    v_event.target_id := p_target_id;
    v_event.created_at := clock_timestamp(); -- under the lock: times ascend with ledger_seq
    v_event.metadata := COALESCE(p_metadata, '{}');
    v_event.canonical_version := 1;
    v_event.hash := ledger_hash(ledger_canonical(v_event), v_event.prev_hash, v_salt);

    INSERT INTO audit_logs SELECT v_event.*;
    RETURN v_event;
END
$$;

-- Sets the organization of the transaction, so that a worker can append to the ledger of its export.
CREATE FUNCTION act_for_organization(p_organization_id uuid) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT set_config(
        'request.jwt.claims',
        jsonb_build_object('app_metadata', jsonb_build_object('organization_id', p_organization_id))::text,
        true
    )
$$;

-- The ledger cannot be rewritten, not even by its owner. A statement trigger also covers TRUNCATE, and raises
-- where row security alone would let an UPDATE succeed with zero rows.
CREATE FUNCTION refuse_ledger_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RAISE insufficient_privilege USING
        MESSAGE = format('the ledger is append-only: %s on audit_logs is refused', TG_OP);
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

GRANT EXECUTE ON FUNCTION ledger_append(uuid, text, text, uuid, jsonb) TO authenticated, service_role;
GRANT EXECUTE ON FUNCTION act_for_organization(uuid) TO service_role;
