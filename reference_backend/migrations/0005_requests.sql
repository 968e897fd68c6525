-- The functions by which requests change evidence and exports, always in the caller's organization: forced
-- row security binds their owner to the claims of the request, and each condition names the organization too.
-- Each function writes the row first and the ledger last, because the ledger's lock is the last one to take.

-- Seals a stored file: inserts the row and its evidence.sealed event.
-- Returns the record; if its id is not p_id, the job had these bytes already.
-- Returns no row if the caller's organization has no such job.
CREATE FUNCTION seal_evidence(
    p_id uuid, p_job_id uuid, p_file_name text, p_file_size bigint, p_mime_type text, p_file_sha256 text,
    p_storage_path text, p_tag text DEFAULT NULL, p_phase text DEFAULT NULL, p_captured_at timestamptz DEFAULT NULL
) RETURNS SETOF evidence
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_organization_id CONSTANT uuid := request_organization_id();
    v_evidence evidence;
    v_event    audit_logs;
BEGIN
    PERFORM FROM jobs AS j WHERE j.id = p_job_id AND j.organization_id = v_organization_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    INSERT INTO evidence (id, organization_id, job_id, file_name, file_size, mime_type, file_sha256,
                          storage_path, tag, phase, captured_at)
    VALUES (p_id, v_organization_id, p_job_id, p_file_name, p_file_size, p_mime_type, p_file_sha256,
            p_storage_path, p_tag, p_phase, p_captured_at)
    ON CONFLICT (organization_id, job_id, file_sha256) DO NOTHING
    RETURNING * INTO v_evidence;

    IF NOT FOUND THEN
        RETURN QUERY
        SELECT e.* FROM evidence AS e
        WHERE e.organization_id = v_organization_id AND e.job_id = p_job_id AND e.file_sha256 = p_file_sha256;
        RETURN;
    END IF;

    v_event := ledger_append(v_organization_id, 'evidence.sealed', 'evidence', p_id, jsonb_build_object(
        'job_id', p_job_id, 'file_name', p_file_name, 'file_size', p_file_size, 'mime_type', p_mime_type,
        'file_sha256', p_file_sha256, 'tag', p_tag, 'phase', p_phase));
    RETURN QUERY
    UPDATE evidence AS e SET ledger_event_id = v_event.id, ledger_seq = v_event.ledger_seq
    WHERE e.id = p_id
    RETURNING e.*;
END
$$;

-- Requests an export: inserts the queued row and its export.requested event, which is also the ledger head of
-- the export. Returns the export; if its id is not p_id, it is the live export of this job and type.
-- Returns no row if the caller's organization has no such job.
CREATE FUNCTION request_export(p_id uuid, p_job_id uuid, p_export_type text, p_filters jsonb)
RETURNS SETOF exports
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_organization_id CONSTANT uuid := request_organization_id();
    v_export exports;
    v_event  audit_logs;
BEGIN
    PERFORM FROM jobs AS j WHERE j.id = p_job_id AND j.organization_id = v_organization_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    LOOP
        INSERT INTO exports (id, organization_id, job_id, export_type, filters, requested_by)
        VALUES (p_id, v_organization_id, p_job_id, p_export_type, p_filters, request_actor_id())
        ON CONFLICT (job_id, export_type) WHERE state IN ('queued', 'preparing') DO NOTHING
        RETURNING * INTO v_export;
        EXIT WHEN FOUND;

        RETURN QUERY
        SELECT e.* FROM exports AS e
        WHERE e.organization_id = v_organization_id AND e.job_id = p_job_id AND e.export_type = p_export_type
          AND e.state IN ('queued', 'preparing');
        IF FOUND THEN
            RETURN;
        END IF;
        -- The live export ended between the two statements: try again.
    END LOOP;

    v_event := ledger_append(v_organization_id, 'export.requested', 'export', p_id, jsonb_build_object(
        'job_id', p_job_id, 'export_type', p_export_type, 'filters', p_filters));
    RETURN QUERY
    UPDATE exports AS e SET ledger_head_seq = v_event.ledger_seq, ledger_head_hash = v_event.hash
    WHERE e.id = p_id
    RETURNING e.*;
END
$$;

-- Cancels a live export. Returns true if it was canceled, false if its state does not allow it, null if there
-- is no such export. A worker that holds it learns that its token is stale.
CREATE FUNCTION cancel_export(p_export_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_export exports;
BEGIN
    UPDATE exports AS e
    SET state = 'canceled', claim_token = NULL, completed_at = clock_timestamp()
    WHERE e.id = p_export_id AND e.organization_id = request_organization_id()
      AND e.state IN ('queued', 'preparing')
    RETURNING * INTO v_export;
    IF NOT FOUND THEN
        RETURN (SELECT false FROM exports AS e
                WHERE e.id = p_export_id AND e.organization_id = request_organization_id());
    END IF;

    PERFORM ledger_append(v_export.organization_id, 'export.canceled', 'export', v_export.id, jsonb_build_object(
        'job_id', v_export.job_id, 'export_type', v_export.export_type));
    -- As an insert does: it may have held the place that another one of its organization waits for.
    PERFORM pg_notify('exports_queued', '');
    RETURN true;
END
$$;

-- Queues a failed export again with three more attempts. Returns as cancel_export does; also false if another
-- export of this job and type is live.
-- The ledger head stays that of the first request: an export's bytes do not depend on the time of the attempt.
CREATE FUNCTION retry_export(p_export_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_export exports;
BEGIN
    BEGIN
        UPDATE exports AS e
        SET state = 'queued', attempts_allowed = e.attempt + 3, progress = 0,
            claimed_by = NULL, heartbeat_at = NULL, started_at = NULL, completed_at = NULL,
            error_code = NULL, error_message = NULL
        WHERE e.id = p_export_id AND e.organization_id = request_organization_id() AND e.state = 'failed'
        RETURNING * INTO v_export;
    EXCEPTION
        WHEN unique_violation THEN RETURN false;
    END;
    IF v_export.id IS NULL THEN
        RETURN (SELECT false FROM exports AS e
                WHERE e.id = p_export_id AND e.organization_id = request_organization_id());
    END IF;

    PERFORM ledger_append(v_export.organization_id, 'export.requested', 'export', v_export.id, jsonb_build_object(
        'job_id', v_export.job_id, 'export_type', v_export.export_type, 'filters', v_export.filters,
        'retry_after_attempt', v_export.attempt));
    PERFORM pg_notify('exports_queued', ''); -- as an insert does
    RETURN true;
END
$$;

GRANT EXECUTE ON FUNCTION
    seal_evidence(uuid, uuid, text, bigint, text, text, text, text, text, timestamptz),
    request_export(uuid, uuid, text, jsonb), cancel_export(uuid), retry_export(uuid)
TO authenticated;
