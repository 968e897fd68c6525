-- How packages are taken, kept alive, finished and taken back. A worker knows a package by the lease
-- token that it got when it took it: whoever comes with an older one changes nothing.
CREATE FUNCTION claim_next_package(
    worker_name text, max_running integer DEFAULT 3,
    OUT package_id uuid, OUT org uuid, OUT work_order uuid, OUT lease uuid
) RETURNS SETOF record
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    -- One claim at a time: what is running is counted here, and must not change meanwhile.
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('claim_next_package', 0));
    RETURN QUERY
    UPDATE public.proof_packages AS p
    SET status = 'generating', attempts = p.attempts + 1, worker_name = $1,
        lease_token = pg_catalog.gen_random_uuid(), progress = 0,
        started_at = pg_catalog.clock_timestamp(), last_seen_at = pg_catalog.clock_timestamp()
    WHERE p.id = (
        SELECT w.id FROM public.proof_packages AS w
        WHERE w.status = 'pending' AND (
            SELECT count(*) FROM public.proof_packages AS r
            WHERE r.org_id = w.org_id AND r.status IN ('generating', 'uploading')
        ) < max_running
        ORDER BY w.created_at, w.id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING p.id, p.org_id, p.work_order_id, p.lease_token;
END
$$;

CREATE FUNCTION package_alive(p_package uuid, p_lease uuid, p_status text, p_progress integer)
RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    UPDATE public.proof_packages AS p
    SET last_seen_at = pg_catalog.clock_timestamp(),
        status = COALESCE(p_status, p.status), progress = COALESCE(p_progress, p.progress)
    WHERE p.id = p_package AND p.lease_token = p_lease AND p.status IN ('generating', 'uploading');
    RETURN FOUND;
END
$$;

CREATE FUNCTION package_completed(
    p_package uuid, p_lease uuid, p_storage_key text, p_manifest text, p_manifest_sha256 text,
    p_zip_sha256 text
) RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    UPDATE public.proof_packages AS p
    SET status = 'completed', progress = 100, storage_key = p_storage_key, manifest = p_manifest,
        manifest_sha256 = p_manifest_sha256, zip_sha256 = p_zip_sha256,
        finished_at = pg_catalog.clock_timestamp()
    WHERE p.id = p_package AND p.lease_token = p_lease AND p.status IN ('generating', 'uploading');
    RETURN FOUND;
END
$$;

CREATE FUNCTION package_error(p_package uuid, p_lease uuid, p_reason text, p_message text)
RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    UPDATE public.proof_packages AS p
    SET status = 'error', error_reason = p_reason, error_message = p_message,
        finished_at = pg_catalog.clock_timestamp()
    WHERE p.id = p_package AND p.lease_token = p_lease AND p.status IN ('generating', 'uploading');
    RETURN FOUND;
END
$$;

-- A server that stops gives back what it has not finished; that was no attempt.
CREATE FUNCTION package_released(p_package uuid, p_lease uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    UPDATE public.proof_packages AS p
    SET status = 'pending', attempts_allowed = p.attempts_allowed + 1, progress = 0,
        worker_name = NULL, lease_token = NULL, last_seen_at = NULL, started_at = NULL
    WHERE p.id = p_package AND p.lease_token = p_lease AND p.status IN ('generating', 'uploading');
    RETURN FOUND;
END
$$;

-- Take back the package that nobody was seen at for longest; false when there is none.
CREATE FUNCTION take_back_stuck_package(p_after interval) RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    UPDATE public.proof_packages AS p
    SET status = CASE WHEN p.attempts >= p.attempts_allowed THEN 'error' ELSE 'pending' END,
        error_reason = CASE WHEN p.attempts >= p.attempts_allowed THEN 'too_many_attempts' END,
        error_message = CASE WHEN p.attempts >= p.attempts_allowed
            THEN 'No worker could finish this package.' END,
        finished_at = CASE WHEN p.attempts >= p.attempts_allowed
            THEN pg_catalog.clock_timestamp() END,
        worker_name = NULL, lease_token = NULL, last_seen_at = NULL, started_at = NULL, progress = 0
    WHERE p.id = (
        SELECT s.id FROM public.proof_packages AS s
        WHERE s.status IN ('generating', 'uploading')
          AND s.last_seen_at < pg_catalog.clock_timestamp() - p_after
        ORDER BY s.last_seen_at
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    );
    RETURN FOUND;
END
$$;

-- What a package holds is what its work order held when it was asked for.
CREATE FUNCTION package_contents(p_package uuid)
RETURNS TABLE (id uuid, content_type text, byte_size bigint, sha256 text, storage_key text)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT d.id, d.content_type, d.byte_size, d.sha256, d.storage_key
    FROM public.proof_packages AS p
    JOIN public.documents AS d ON d.work_order_id = p.work_order_id
    JOIN public.activity_log AS sealed ON sealed.record_id = d.id AND sealed.action = 'document.sealed'
    WHERE p.id = p_package AND sealed.entry_no < (
        SELECT min(asked.entry_no) FROM public.activity_log AS asked
        WHERE asked.record_id = p_package AND asked.action = 'package.requested'
    )
    ORDER BY d.created_at, d.id
$$;

CREATE FUNCTION package_activity(p_package uuid) RETURNS SETOF activity_log
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT a.*
    FROM public.proof_packages AS p
    JOIN public.activity_log AS a ON a.org_id = p.org_id
    WHERE p.id = p_package AND a.entry_no <= (
        SELECT min(asked.entry_no) FROM public.activity_log AS asked
        WHERE asked.record_id = p_package AND asked.action = 'package.requested'
    )
    ORDER BY a.entry_no
$$;

REVOKE ALL ON FUNCTION
    claim_next_package(text, integer), package_alive(uuid, uuid, text, integer),
    package_completed(uuid, uuid, text, text, text, text), package_error(uuid, uuid, text, text),
    package_released(uuid, uuid), take_back_stuck_package(interval), package_contents(uuid),
    package_activity(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    claim_next_package(text, integer), package_alive(uuid, uuid, text, integer),
    package_completed(uuid, uuid, text, text, text, text), package_error(uuid, uuid, text, text),
    package_released(uuid, uuid), take_back_stuck_package(interval), package_contents(uuid),
    package_activity(uuid)
    TO service_role;

-- What a user may do to a package of their organization. They run as service_role, so each looks up
-- who asks; the words that they give back are those of the answer.
CREATE FUNCTION private.my_package(p_package uuid) RETURNS proof_packages
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    v_package public.proof_packages;
BEGIN
    SELECT p.* INTO v_package FROM public.proof_packages AS p
    WHERE p.id = p_package AND p.org_id = public.my_org()
    FOR UPDATE;
    RETURN v_package;
END
$$;

CREATE FUNCTION cancel_package(p_package uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_package public.proof_packages := private.my_package(p_package);
BEGIN
    IF v_package.id IS NULL THEN
        RETURN 'not_found';
    ELSIF COALESCE(public.my_role(), '') NOT IN ('admin', 'technician') THEN
        RETURN 'forbidden';
    ELSIF v_package.status NOT IN ('pending', 'generating', 'uploading') THEN
        RETURN 'finished';
    END IF;
    UPDATE public.proof_packages AS p
    SET status = 'cancelled', lease_token = NULL, finished_at = pg_catalog.clock_timestamp()
    WHERE p.id = p_package;
    RETURN 'done';
END
$$;

CREATE FUNCTION retry_package(p_package uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_package public.proof_packages := private.my_package(p_package);
BEGIN
    IF v_package.id IS NULL THEN
        RETURN 'not_found';
    ELSIF COALESCE(public.my_role(), '') NOT IN ('admin', 'technician') THEN
        RETURN 'forbidden';
    ELSIF v_package.status <> 'error' THEN
        RETURN 'no_error';
    END IF;
    UPDATE public.proof_packages AS p
    SET status = 'pending', attempts_allowed = p.attempts + 3, error_reason = NULL,
        error_message = NULL, finished_at = NULL, progress = 0, worker_name = NULL,
        lease_token = NULL, last_seen_at = NULL, started_at = NULL
    WHERE p.id = p_package;
    RETURN 'done';
EXCEPTION
    WHEN unique_violation THEN RETURN 'another_is_live';
END
$$;

-- service_role may make functions here for as long as it takes to give it these.
GRANT CREATE ON SCHEMA public TO service_role;
ALTER FUNCTION private.my_package(uuid) OWNER TO service_role;
ALTER FUNCTION cancel_package(uuid) OWNER TO service_role;
ALTER FUNCTION retry_package(uuid) OWNER TO service_role;
REVOKE CREATE ON SCHEMA public FROM service_role;
REVOKE CREATE ON SCHEMA private FROM service_role;
SET ROLE service_role;
REVOKE ALL ON FUNCTION cancel_package(uuid), retry_package(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cancel_package(uuid), retry_package(uuid) TO authenticated;
RESET ROLE;
