"""The rows to claim are chosen in a subquery of the update, which a plan may run once per row."""

from reference_backend.defects import Defect

_SQL = """
CREATE OR REPLACE FUNCTION claim_export_job(p_worker text, p_limit int DEFAULT 1, p_max_per_org int DEFAULT 3)
RETURNS SETOF exports
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('claim', 0)); -- for the cap
    RETURN QUERY
    UPDATE exports AS e
    SET state = 'preparing', attempt = e.attempt + 1, claimed_by = p_worker, claim_token = gen_random_uuid(),
        started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), progress = 0
    WHERE e.id IN (
        SELECT q.id FROM exports AS q
        WHERE q.state = 'queued' AND (
            SELECT count(*) FROM exports AS p
            WHERE p.organization_id = q.organization_id
              AND (p.state = 'preparing' OR p.state = 'queued' AND (p.created_at, p.id) < (q.created_at, q.id))
        ) < p_max_per_org
        ORDER BY q.created_at, q.id
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING e.*;
END
$$;
"""

DEFECT = Defect(
    title="The claim's LIMIT is in a subquery: with another plan one call takes the whole queue",
    source="Q3: queue_classic #320, odd-jobs #115, Oban's basic engine",
    expected=("claim.direct-calls",),
    sql=_SQL,
)
