-- A job is the folder of one piece of work; evidence and exports belong to it.
CREATE TABLE jobs (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    title           text NOT NULL,
    created_by      text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, id) -- what children point to: they cannot name a job of another organisation
);
CREATE INDEX jobs_listing ON jobs (organization_id, created_at, id);

-- A sealed file. The row, its ledger event and its stored object exist together or not at all.
CREATE TABLE evidence (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    job_id          uuid NOT NULL,
    file_name       text NOT NULL,          -- the client's name: shown, never a path
    file_size       bigint NOT NULL CHECK (file_size > 0),
    mime_type       text NOT NULL,
    file_sha256     text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    state           text NOT NULL DEFAULT 'sealed' CHECK (state = 'sealed'),
    storage_path    text NOT NULL UNIQUE,   -- generated, relative to the storage root
    tag             text,
    phase           text,
    captured_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    ledger_event_id uuid,
    ledger_seq      bigint,                 -- its place in the organisation's order of events
    FOREIGN KEY (organization_id, job_id) REFERENCES jobs (organization_id, id),
    UNIQUE (organization_id, job_id, file_sha256) -- the same bytes in one job are one record
);
CREATE INDEX evidence_listing ON evidence (job_id, created_at, id);

-- An export is a job of the queue: requested by a tenant, worked on by a worker under a claim.
-- Updates dominate: heartbeat_at is in no index so that heartbeats are HOT, and pages keep room for them.
CREATE TABLE exports (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id  uuid NOT NULL,
    job_id           uuid NOT NULL,
    export_type      text NOT NULL CHECK (export_type IN ('proof-pack', 'ledger')),
    filters          jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(filters) = 'object'),
    requested_by     text,
    state            text NOT NULL DEFAULT 'queued'
                     CHECK (state IN ('queued', 'preparing', 'ready', 'failed', 'canceled')),
    progress         int NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    attempt          int NOT NULL DEFAULT 0, -- counts claims, for ever
    attempts_allowed int NOT NULL DEFAULT 3, -- attempts after which recovery gives up; a retry adds three
    claimed_by       text,                   -- the worker of the latest claim, null while queued
    claim_token      uuid,                   -- the right to write; new with every claim, null when nobody has it
    heartbeat_at     timestamptz,
    ledger_head_seq  bigint,                 -- the export.requested event: the export shows the ledger up to here
    ledger_head_hash text,
    storage_path     text,
    object_sha256    text,
    object_size      bigint,
    manifest         text,                   -- JCS, as hashed and zipped; jsonb would rewrite its numbers
    manifest_hash    text,
    error_code       text,
    error_message    text,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at       timestamptz,
    completed_at     timestamptz,
    FOREIGN KEY (organization_id, job_id) REFERENCES jobs (organization_id, id),
    CHECK (state <> 'ready' OR (storage_path IS NOT NULL AND object_sha256 IS NOT NULL AND manifest IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- One live export of a job and type: the second request waits here for the first to commit.
CREATE UNIQUE INDEX exports_live ON exports (job_id, export_type) WHERE state IN ('queued', 'preparing');
-- The queue from its front, and in one lane per organisation for when the front is blocked by full ones.
CREATE INDEX exports_queue ON exports (created_at, id) WHERE state = 'queued';
CREATE INDEX exports_lanes ON exports (organization_id, created_at, id) WHERE state = 'queued';
-- What is in progress: few rows, counted by the claim and searched by recovery.
CREATE INDEX exports_in_progress ON exports (organization_id) WHERE state = 'preparing';
CREATE INDEX exports_listing ON exports (job_id, created_at, id);

-- The ledger: one append-only chain of hashes per organisation. Rows come only from ledger_append().
CREATE TABLE audit_logs (
    id                uuid NOT NULL UNIQUE,
    organization_id   uuid NOT NULL,
    ledger_seq        bigint NOT NULL CHECK (ledger_seq > 0),
    actor_id          text,                 -- the user (sub), null when a worker did it
    event_name        text NOT NULL,
    target_type       text NOT NULL,
    target_id         uuid,
    created_at        timestamptz NOT NULL,
    metadata          jsonb NOT NULL DEFAULT '{}',
    prev_hash         text,                 -- null for the first event
    hash              text NOT NULL,
    salt_key_id       text NOT NULL,
    canonical_version smallint NOT NULL,
    PRIMARY KEY (organization_id, ledger_seq) -- a fork would be two rows with one number
);
CREATE INDEX audit_logs_of_target ON audit_logs (organization_id, target_id, ledger_seq);
-- For the metric that counts completions beyond the first.
CREATE INDEX audit_logs_completions ON audit_logs (organization_id, target_id)
    WHERE event_name = 'export.completed';

-- The secrets that go into the hashes, by key id. No request role can read them.
CREATE TABLE ledger_salts (
    key_id     text PRIMARY KEY,
    salt       text NOT NULL CHECK (salt <> ''),
    active     boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX ledger_salts_one_active ON ledger_salts (active) WHERE active;

-- One row per Idempotency-Key, organisation and route, with the answer that was given. Reserved and answered in
-- the transaction that has the effect: whoever comes at the same time waits at the primary key for its commit.
CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL,
    route           text NOT NULL,
    key             text NOT NULL,
    fingerprint     text,                   -- digest of the request: the key stands for no other
    status_code     int,
    resource_id     uuid,
    response        jsonb,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organization_id, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- The workers that are alive, or were when they last said so.
CREATE TABLE workers (
    name         text PRIMARY KEY,
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Totals that must outlive the process that counted: claim fallbacks, reclaims, hash mismatches.
CREATE TABLE backend_counters (
    name  text PRIMARY KEY,
    value bigint NOT NULL DEFAULT 0
);
