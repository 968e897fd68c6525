-- The queue functions of the workers. They run as service_role and use only the clock of the database. Every
-- write to a claimed export compares the claim token: a stale token changes nothing.

-- Claims up to p_limit queued exports for a worker, oldest first, such that no organization has more than
-- p_max_per_org in progress. Returns the claimed rows, with attempt increased and a new claim_token.
--
-- The cap is exact because claims of one organization are serialized by an advisory lock that is held until
-- commit. Workers do not wait for that lock: as SKIP LOCKED does with rows, they skip organizations that another
-- worker is claiming from. Only a worker that would return nothing waits, for one organization, while it holds
-- no other such lock (so no worker can be waiting for it).
CREATE FUNCTION claim_export_job(p_worker text, p_limit int DEFAULT 1, p_max_per_org int DEFAULT 3)
RETURNS SETOF exports
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off -- see claimable_exports()
AS $$
DECLARE
    v_next uuid;
    v_mine uuid[] := '{}'; -- organizations whose lock this transaction holds
    v_tried uuid[] := '{}'; -- those that gave nothing: other sessions have locked their exports
    v_busy uuid[];         -- organizations that another worker is claiming from
    v_seen int;            -- claimable exports seen in organizations of v_mine
BEGIN
    FOR v_round IN 1..8 LOOP
        v_busy := '{}';
        v_seen := 0;
        FOR v_next IN SELECT c.organization_id FROM claimable_exports(p_limit, p_max_per_org) AS c LOOP
            EXIT WHEN v_seen >= p_limit;
            CONTINUE WHEN v_next = ANY (v_busy) OR v_next = ANY (v_tried);
            IF v_next <> ALL (v_mine) THEN
                IF NOT pg_try_advisory_xact_lock(hashtextextended('claim:' || v_next, 0)) THEN
                    v_busy := v_busy || v_next;
                    CONTINUE;
                END IF;
                v_mine := v_mine || v_next;
            END IF;
            v_seen := v_seen + 1;
        END LOOP;
        EXIT WHEN v_seen = 0 AND (v_busy = '{}' OR v_mine <> '{}'); -- nothing to claim, or nothing more

        -- A separate statement: it sees everything that was committed before this session got the locks.
        RETURN QUERY
        WITH chosen AS MATERIALIZED (
            SELECT queued.id
            FROM unnest(v_mine) AS lane (organization_id)
            CROSS JOIN LATERAL (
                SELECT count(*) AS taken FROM exports AS p
                WHERE p.organization_id = lane.organization_id AND p.state = 'preparing'
            ) AS progress
            CROSS JOIN LATERAL (
                SELECT e.id, e.created_at FROM exports AS e
                WHERE e.organization_id = lane.organization_id AND e.state = 'queued'
                ORDER BY e.created_at, e.id
                LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
                FOR UPDATE SKIP LOCKED
            ) AS queued
            ORDER BY queued.created_at, queued.id
            LIMIT p_limit
        ), claimed AS (
            UPDATE exports AS e
            SET state = 'preparing', attempt = e.attempt + 1, claimed_by = p_worker,
                claim_token = gen_random_uuid(), -- a counter could be issued twice when a crash loses a commit
                started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), progress = 0
            FROM chosen
            WHERE e.id = chosen.id
            RETURNING e.*
        )
        SELECT * FROM claimed ORDER BY claimed.created_at, claimed.id;
        EXIT WHEN FOUND;

        -- Other workers were faster. Search again in other organizations; if all are busy, wait for one first.
        v_tried := v_mine;
        IF v_mine = '{}' THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('claim:' || v_busy[1], 0));
            v_mine := v_busy[1:1];
        END IF;
    END LOOP;
END
$$;

-- The exports that could be claimed in this snapshot, oldest first: of each organization as many as its cap
-- allows. At least p_limit rows, if there are as many.
--
-- Usually they are at the front of the queue. When organizations at their cap fill the front, the search goes
-- from one organization to the next by index. Its cost is the number of waiting organizations, independent of
-- the number of exports that a full one has queued.
CREATE FUNCTION claimable_exports(p_limit int, p_max_per_org int)
RETURNS TABLE (export_id uuid, organization_id uuid, queued_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
-- The plans must not depend on statistics: a queue fills up faster than autovacuum analyzes it.
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    v_front CONSTANT int := 64 + 4 * GREATEST(p_limit, 0); -- more than p_limit: other workers are claiming from some organizations
    v_found int;
    v_last  record;
BEGIN
    RETURN QUERY
    WITH front AS MATERIALIZED (
        SELECT e.id, e.organization_id, e.created_at FROM exports AS e
        WHERE e.state = 'queued'
        ORDER BY e.created_at, e.id
        LIMIT v_front
    ), placed AS (
        SELECT f.*, row_number() OVER (PARTITION BY f.organization_id ORDER BY f.created_at, f.id) AS place
        FROM front AS f
    )
    SELECT placed.id, placed.organization_id, placed.created_at
    FROM placed
    WHERE placed.place <= p_max_per_org - (
        SELECT count(*) FROM exports AS p
        WHERE p.organization_id = placed.organization_id AND p.state = 'preparing'
    )
    ORDER BY placed.created_at, placed.id;

    GET DIAGNOSTICS v_found = ROW_COUNT;
    IF v_found >= p_limit THEN
        RETURN;
    END IF;
    SELECT e.created_at, e.id INTO v_last FROM exports AS e
    WHERE e.state = 'queued'
    ORDER BY e.created_at, e.id
    OFFSET v_front - 1 LIMIT 1;
    IF NOT FOUND THEN
        RETURN; -- the whole queue was searched
    END IF;

    RETURN QUERY
    WITH RECURSIVE lane (organization_id) AS (
        (SELECT e.organization_id FROM exports AS e WHERE e.state = 'queued' ORDER BY e.organization_id LIMIT 1)
        UNION ALL
        SELECT (SELECT e.organization_id FROM exports AS e
                WHERE e.state = 'queued' AND e.organization_id > lane.organization_id
                ORDER BY e.organization_id LIMIT 1)
        FROM lane
        WHERE lane.organization_id IS NOT NULL
    )
    SELECT queued.id, lane.organization_id, queued.created_at
    FROM lane
    CROSS JOIN LATERAL (
        SELECT count(*) AS taken FROM exports AS p
        WHERE p.organization_id = lane.organization_id AND p.state = 'preparing'
    ) AS progress
    CROSS JOIN LATERAL (
        SELECT e.id, e.created_at FROM exports AS e
        WHERE e.organization_id = lane.organization_id AND e.state = 'queued'
        ORDER BY e.created_at, e.id
        LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
    ) AS queued
    WHERE (queued.created_at, queued.id) > (v_last.created_at, v_last.id) -- older ones were returned above
    ORDER BY queued.created_at, queued.id;
END
$$;

-- The heartbeat of a worker for all its exports, with their progress. Returns the claim tokens that are still
-- valid; the worker stops working on the others. p_instance tells apart processes that have the same name.
CREATE FUNCTION heartbeat_exports(
    p_worker text, p_ids uuid[], p_tokens uuid[], p_progress int[],
    p_instance uuid DEFAULT '00000000-0000-0000-0000-000000000000'
) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO workers AS w (name, instance) VALUES (p_worker, p_instance)
    ON CONFLICT (name, instance) DO UPDATE SET heartbeat_at = clock_timestamp();

    RETURN QUERY
    WITH held AS MATERIALIZED (
        SELECT e.id, claim.progress
        FROM unnest(p_ids, p_tokens, p_progress) AS claim (id, token, progress)
        JOIN exports AS e ON e.id = claim.id AND e.claim_token = claim.token AND e.state = 'preparing'
        ORDER BY e.id -- one order for everybody who locks several rows and waits
        FOR NO KEY UPDATE OF e
    )
    UPDATE exports AS e
    SET heartbeat_at = clock_timestamp(), progress = GREATEST(e.progress, held.progress)
    FROM held
    WHERE e.id = held.id
    RETURNING e.claim_token;
END
$$;

-- Completes exports and appends their export.completed events. Returns the completed ids: a stale token
-- completes nothing and writes no event.
CREATE FUNCTION complete_exports(
    p_ids uuid[], p_tokens uuid[], p_storage_paths text[], p_object_sha256s text[], p_object_sizes bigint[],
    p_manifests text[], p_manifest_hashes text[]
) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_export exports;
BEGIN
    FOR v_export IN
        WITH held AS MATERIALIZED (
            SELECT e.id, result.*
            FROM unnest(p_ids, p_tokens, p_storage_paths, p_object_sha256s, p_object_sizes, p_manifests,
                        p_manifest_hashes)
                 AS result (export_id, token, storage_path, object_sha256, object_size, manifest, manifest_hash)
            JOIN exports AS e
              ON e.id = result.export_id AND e.claim_token = result.token AND e.state = 'preparing'
            ORDER BY e.id
            FOR NO KEY UPDATE OF e
        ), completed AS (
            UPDATE exports AS e
            SET state = 'ready', progress = 100, claim_token = NULL, completed_at = clock_timestamp(),
                storage_path = held.storage_path, object_sha256 = held.object_sha256,
                object_size = held.object_size, manifest = held.manifest, manifest_hash = held.manifest_hash
            FROM held
            WHERE e.id = held.id
            RETURNING e.*
        )
        -- All rows first, then the ledgers, always in the same order, against deadlocks.
        SELECT * FROM completed ORDER BY completed.organization_id, completed.id
    LOOP
        PERFORM act_for_organization(v_export.organization_id);
        PERFORM ledger_append(
            v_export.organization_id, 'export.completed', 'export', v_export.id, jsonb_build_object(
                'job_id', v_export.job_id, 'export_type', v_export.export_type, 'attempt', v_export.attempt,
                'manifest_hash', v_export.manifest_hash, 'object_sha256', v_export.object_sha256,
                'object_size', v_export.object_size));
        RETURN NEXT v_export.id;
    END LOOP;
END
$$;

-- Fails an export that cannot be made and appends its export.failed event. Returns false if the token is stale.
CREATE FUNCTION fail_export(p_id uuid, p_token uuid, p_error_code text, p_error_message text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_export exports;
BEGIN
    UPDATE exports AS e
    SET state = 'failed', claim_token = NULL, completed_at = clock_timestamp(),
        error_code = p_error_code, error_message = p_error_message
    WHERE e.id = p_id AND e.claim_token = p_token AND e.state = 'preparing'
    RETURNING * INTO v_export;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    PERFORM append_export_failed(v_export);
    RETURN true;
END
$$;

-- Returns exports to the queue: a draining worker releases those that it cannot finish in time.
-- An attempt that ends by a drain does not use up one of those that are allowed. Returns the released ids.
CREATE FUNCTION release_exports(p_ids uuid[], p_tokens uuid[]) RETURNS SETOF uuid
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH held AS MATERIALIZED (
        SELECT e.id
        FROM unnest(p_ids, p_tokens) AS claim (id, token)
        JOIN exports AS e ON e.id = claim.id AND e.claim_token = claim.token AND e.state = 'preparing'
        ORDER BY e.id
        FOR NO KEY UPDATE OF e
    )
    UPDATE exports AS e
    SET state = 'queued', claim_token = NULL, claimed_by = NULL, heartbeat_at = NULL, started_at = NULL, progress = 0,
        attempts_allowed = e.attempts_allowed + 1
    FROM held
    WHERE e.id = held.id
    RETURNING e.id
$$;

-- Takes exports back whose last heartbeat is older than p_timeout: they are queued again, or failed when their
-- attempts are used up. Any worker may call it at any time. Rows that another session has locked are skipped, and
-- a heartbeat that commits in the meantime is seen, because the condition is evaluated again on the locked row.
CREATE FUNCTION recover_stuck_exports(p_timeout interval, p_limit int DEFAULT 100) RETURNS SETOF exports
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_export    exports;
    v_recovered int := 0;
BEGIN
    FOR v_export IN
        WITH stuck AS MATERIALIZED (
            SELECT e.id, e.attempt >= e.attempts_allowed AS exhausted
            FROM exports AS e
            WHERE e.state = 'preparing'
              AND COALESCE(e.heartbeat_at, e.started_at, e.created_at) < clock_timestamp() - p_timeout
            LIMIT p_limit
            FOR NO KEY UPDATE SKIP LOCKED
        ), recovered AS (
            UPDATE exports AS e
            SET claim_token   = NULL,
                heartbeat_at  = NULL,
                state         = CASE WHEN stuck.exhausted THEN 'failed' ELSE 'queued' END,
                claimed_by    = CASE WHEN stuck.exhausted THEN e.claimed_by END,
                started_at    = CASE WHEN stuck.exhausted THEN e.started_at END,
                progress      = CASE WHEN stuck.exhausted THEN e.progress ELSE 0 END,
                completed_at  = CASE WHEN stuck.exhausted THEN clock_timestamp() END,
                error_code    = CASE WHEN stuck.exhausted THEN 'attempts_exhausted' END,
                error_message = CASE WHEN stuck.exhausted THEN
                    format('%s attempts ended without a result, the last one by worker %s', e.attempt, e.claimed_by)
                END
            FROM stuck
            WHERE e.id = stuck.id
            RETURNING e.*
        )
        SELECT * FROM recovered ORDER BY recovered.organization_id, recovered.id
    LOOP
        IF v_export.state = 'failed' THEN
            PERFORM append_export_failed(v_export);
        END IF;
        v_recovered := v_recovered + 1;
        RETURN NEXT v_export;
    END LOOP;
    IF v_recovered > 0 THEN
        PERFORM add_to_counter('export_reclaims_total', v_recovered);
    END IF;
END
$$;

CREATE FUNCTION append_export_failed(p_export exports) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM act_for_organization(p_export.organization_id);
    PERFORM ledger_append(p_export.organization_id, 'export.failed', 'export', p_export.id, jsonb_build_object(
        'job_id', p_export.job_id, 'export_type', p_export.export_type, 'attempt', p_export.attempt,
        'error_code', p_export.error_code));
END
$$;

-- Increments a counter that must survive the process.
CREATE FUNCTION add_to_counter(p_name text, p_amount bigint) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp
AS $$
    INSERT INTO backend_counters AS c (name, value) VALUES (p_name, p_amount)
    ON CONFLICT (name) DO UPDATE SET value = c.value + EXCLUDED.value
$$;

-- Wakes the workers: once per inserting statement, never for a change of state (every NOTIFY takes a lock
-- that all commits of the server share).
CREATE FUNCTION notify_exports_queued() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('exports_queued', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER notify_exports_queued AFTER INSERT ON exports
    FOR EACH STATEMENT EXECUTE FUNCTION notify_exports_queued();

GRANT EXECUTE ON FUNCTION
    claim_export_job(text, int, int), claimable_exports(int, int),
    heartbeat_exports(text, uuid[], uuid[], int[], uuid),
    complete_exports(uuid[], uuid[], text[], text[], bigint[], text[], text[]),
    fail_export(uuid, uuid, text, text), release_exports(uuid[], uuid[]),
    recover_stuck_exports(interval, int), append_export_failed(exports), add_to_counter(text, bigint),
    notify_exports_queued()
TO service_role;
