-- The harness's own instrument: an observer that loses no change of an export's owner or state.
-- A check that polls would miss most of them, and the backend's own events are what is judged.
-- Heartbeats and progress are left out. {table} is the target's table of exports,
-- the other names in braces are what its old and new rows say, in the contract's words.

CREATE SCHEMA shakedown;

CREATE TABLE shakedown.export_transitions (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    export_id text NOT NULL,
    organization_id text,
    old_state text,
    new_state text,
    old_attempt integer,
    new_attempt integer,
    old_claimed_by text,
    new_claimed_by text,
    heartbeat_at timestamptz, -- the last one before the change: recovery clears it
    txid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    old_token text, -- claim tokens before and after, as digests: whoever reads this cannot use them
    token text
);

-- As its owner, a superuser: row security and missing privileges of the backend's roles must not
-- keep it from writing, and those roles must not be able to write here themselves.
CREATE FUNCTION shakedown.observe_export() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO shakedown.export_transitions
            (export_id, organization_id, new_state, new_attempt, new_claimed_by, heartbeat_at,
             token)
        VALUES
            ({new_id}, {new_organization_id}, {new_state}, {new_attempt}, {new_claimed_by},
             {new_heartbeat_at}, left(encode(sha256(convert_to({new_claim_token}::text, 'UTF8')), 'hex'), 32));
    ELSE
        INSERT INTO shakedown.export_transitions
            (export_id, organization_id, old_state, new_state, old_attempt, new_attempt,
             old_claimed_by, new_claimed_by, heartbeat_at, old_token, token)
        VALUES
            ({new_id}, {new_organization_id}, {old_state}, {new_state}, {old_attempt}, {new_attempt},
             {old_claimed_by}, {new_claimed_by}, {old_heartbeat_at},
             left(encode(sha256(convert_to({old_claim_token}::text, 'UTF8')), 'hex'), 32),
             left(encode(sha256(convert_to({new_claim_token}::text, 'UTF8')), 'hex'), 32));
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION shakedown.observe_export() FROM PUBLIC;

CREATE TRIGGER shakedown_observes_insert AFTER INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION shakedown.observe_export();

CREATE TRIGGER shakedown_observes_update AFTER UPDATE ON {table}
    FOR EACH ROW
    WHEN (({old_state}, {old_attempt}, {old_claimed_by})
          IS DISTINCT FROM ({new_state}, {new_attempt}, {new_claimed_by}))
    EXECUTE FUNCTION shakedown.observe_export();
