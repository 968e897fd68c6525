"""The claim reads what is queued and then marks it: no SKIP LOCKED, no state condition, no lock."""

from reference_backend.defects import Defect

_SQL = """
CREATE OR REPLACE FUNCTION claim_export_job(p_worker text, p_limit int DEFAULT 1, p_max_per_org int DEFAULT 3)
RETURNS SETOF exports
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_ids uuid[];
BEGIN
    SELECT array_agg(c.export_id) INTO v_ids
    FROM (SELECT export_id FROM claimable_exports(p_limit, p_max_per_org) LIMIT p_limit) AS c;
    RETURN QUERY
    UPDATE exports AS e
    SET state = 'preparing', attempt = e.attempt + 1, claimed_by = p_worker, claim_token = gen_random_uuid(),
        started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), progress = 0
    WHERE e.id = ANY (v_ids)
    RETURNING e.*;
END
$$;
"""

DEFECT = Defect(
    title="The claim selects, then updates by id: two workers take the same export",
    source="Q1, Q5: wheels #2899, linkid #409",
    expected=("claim.direct-calls", "claim.exactly-once", "claim.per-org-cap"),
    sql=_SQL,
)
