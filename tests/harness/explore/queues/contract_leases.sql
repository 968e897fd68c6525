-- The contract's claim function with leases: it takes what is queued, or what has run out.
CREATE TABLE exports (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id  text NOT NULL,
    state            text NOT NULL DEFAULT 'queued',
    attempt          int NOT NULL DEFAULT 0,
    claim_token      uuid,
    lease_until      timestamptz
);
INSERT INTO exports (organization_id) SELECT 'a' FROM generate_series(1, 5);
INSERT INTO exports (organization_id) SELECT 'b' FROM generate_series(1, 2);

CREATE FUNCTION claim_export_job(p_worker text, p_limit int, p_max_per_org int)
RETURNS SETOF exports LANGUAGE plpgsql AS $$
DECLARE
    v_found exports;
BEGIN
    PERFORM pg_advisory_xact_lock(7);
    FOR i IN 1..p_limit LOOP
        SELECT * INTO v_found FROM exports AS e
        WHERE (e.state = 'queued' OR (e.state = 'preparing' AND e.lease_until < clock_timestamp()))
          AND p_max_per_org > (
            SELECT count(*) FROM exports AS d
            WHERE d.organization_id = e.organization_id AND d.state = 'preparing'
              AND d.lease_until >= clock_timestamp())
        ORDER BY e.id LIMIT 1 FOR UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        RETURN QUERY
        UPDATE exports AS e
        SET state = 'preparing', attempt = e.attempt + 1, claim_token = gen_random_uuid(),
            lease_until = clock_timestamp() + interval '5 minutes'
        WHERE e.id = v_found.id
        RETURNING e.*;
    END LOOP;
END
$$;
