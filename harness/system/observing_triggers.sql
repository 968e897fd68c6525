-- {table} is the target's table of exports; for the other names see observe_export.sql.

CREATE TRIGGER shakedown_observes_insert AFTER INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION shakedown.observe_export();

CREATE TRIGGER shakedown_observes_update AFTER UPDATE ON {table}
    FOR EACH ROW
    WHEN (({old_state}, {old_attempt}, {old_claimed_by})
          IS DISTINCT FROM ({new_state}, {new_attempt}, {new_claimed_by}))
    EXECUTE FUNCTION shakedown.observe_export();
