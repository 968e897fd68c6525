"""A trigger logs completions, and so does the function that completes."""

from reference_backend.defects import Defect

_SQL = """
CREATE FUNCTION log_completion() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM act_for_organization(NEW.organization_id);
    PERFORM ledger_append(NEW.organization_id, 'export.completed', 'export', NEW.id, jsonb_build_object(
        'manifest_hash', NEW.manifest_hash, 'object_sha256', NEW.object_sha256));
    RETURN NEW;
END
$$;
CREATE TRIGGER log_completion AFTER UPDATE ON exports
    FOR EACH ROW WHEN (OLD.state = 'preparing' AND NEW.state = 'ready') EXECUTE FUNCTION log_completion();
GRANT EXECUTE ON FUNCTION log_completion() TO service_role;
"""

DEFECT = Defect(
    title="Every completion is logged twice: by a trigger and by the function",
    source="P12, R19: solid_queue #589",
    expected=("load.exactly-once", "claim.exactly-once"),
    sql=_SQL,
)
