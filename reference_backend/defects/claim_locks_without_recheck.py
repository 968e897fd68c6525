"""The claim picks an export, waits for its row, and does not check that it is still queued."""

from reference_backend.defects import Defect

_SQL = """
CREATE OR REPLACE FUNCTION claim_export_job(p_worker text, p_limit int DEFAULT 1, p_max_per_org int DEFAULT 3)
RETURNS SETOF exports
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_next record;
BEGIN
    FOR v_next IN SELECT * FROM claimable_exports(p_limit, p_max_per_org) LIMIT p_limit LOOP
        -- One at a time per organization, so that the cap holds.
        PERFORM pg_advisory_xact_lock(hashtextextended('claim:' || v_next.organization_id, 0));
        CONTINUE WHEN p_max_per_org <= (
            SELECT count(*) FROM exports AS p
            WHERE p.organization_id = v_next.organization_id AND p.state = 'preparing');
        RETURN QUERY
        UPDATE exports AS e
        SET state = 'preparing', attempt = e.attempt + 1, claimed_by = p_worker, claim_token = gen_random_uuid(),
            started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), progress = 0
        WHERE e.id = v_next.export_id
        RETURNING e.*;
    END LOOP;
END
$$;
"""

DEFECT = Defect(
    title="The claim checks the state before it has the lock: after waiting it takes an export that another worker claimed",
    source="Q1, Q19: procrastinate 8fa4ab59, wheels #2899",
    expected=("claim.interleavings", "claim.exactly-once"),
    sql=_SQL,
)
