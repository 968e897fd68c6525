-- The harness's own instrument: an observer that loses no change of an export's owner or state.
-- A check that polls would miss most of them, and the backend's own events are what is judged.
-- Heartbeats and progress are left out.

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
