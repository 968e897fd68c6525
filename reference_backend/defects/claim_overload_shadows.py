"""CREATE OR REPLACE with another parameter adds an overload: calls without that parameter still find the old function."""

from reference_backend.defects import Defect

_SQL = """
CREATE OR REPLACE FUNCTION claim_export_job(p_worker text, p_limit int)
RETURNS SETOF exports
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp
AS $$
    UPDATE exports AS e
    SET state = 'preparing', attempt = e.attempt + 1, started_at = clock_timestamp()
    WHERE e.id IN (SELECT q.id FROM exports AS q WHERE q.state = 'queued'
                   ORDER BY q.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED)
    RETURNING e.*
$$;
REVOKE EXECUTE ON FUNCTION claim_export_job(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_export_job(text, int) TO service_role;
"""

DEFECT = Defect(
    title="An old overload of the claim function remains: calls with two arguments get it, without token, owner and cap",
    source="Q13: cezar #110, #229",
    expected=("claim.direct-calls",),
    sql=_SQL,
)
