"""The claim takes any queued exports; on a table without updates that is the order of insertion."""

from reference_backend.defects import Defect

_SQL = """
CREATE OR REPLACE FUNCTION claim_export_job(p_worker text, p_limit int DEFAULT 1, p_max_per_org int DEFAULT 3)
RETURNS SETOF exports
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_export exports;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('claim', 0)); -- for the cap
    WHILE p_limit > 0 LOOP
        SELECT e.* INTO v_export FROM exports AS e
        WHERE e.state = 'queued' AND (
            SELECT count(*) FROM exports AS p
            WHERE p.organization_id = e.organization_id AND p.state = 'preparing'
        ) < p_max_per_org
        LIMIT 1
        FOR UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        RETURN QUERY
        UPDATE exports AS e
        SET state = 'preparing', attempt = e.attempt + 1, claimed_by = p_worker, claim_token = gen_random_uuid(),
            started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), progress = 0
        WHERE e.id = v_export.id
        RETURNING e.*;
        p_limit := p_limit - 1;
    END LOOP;
END
$$;
"""

DEFECT = Defect(
    title="The claim has no ORDER BY: the order is right only as long as no row is updated",
    source="Q6, known",
    expected=("claim.oldest-first",),
    sql=_SQL,
)
