-- The names in braces are what the old and new rows of the target's table of exports say, in the
-- contract's words. It is replaced where a system reads leases by another timeout.

-- As its owner, a superuser: row security and missing privileges of the backend's roles must not
-- keep it from writing, and those roles must not be able to write here themselves.
CREATE OR REPLACE FUNCTION shakedown.observe_export() RETURNS trigger
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
