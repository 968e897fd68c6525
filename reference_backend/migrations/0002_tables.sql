-- A job is the folder of one piece of work; evidence and exports belong to it.
CREATE TABLE jobs (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    title           text NOT NULL,
    created_by      text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, id) -- the target of foreign keys: a child cannot name a job of another organization
);
CREATE INDEX jobs_listing ON jobs (organization_id, created_at, id);

-- A sealed file. The row, its ledger event and its stored object exist together or not at all.
CREATE TABLE evidence (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    job_id          uuid NOT NULL,
    file_name       text NOT NULL,          -- the client's name: shown, never used as a path
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
    ledger_seq      bigint,                 -- its number in the organization's ledger
    FOREIGN KEY (organization_id, job_id) REFERENCES jobs (organization_id, id),
    UNIQUE (organization_id, job_id, file_sha256) -- the same bytes in one job are one record
);
CREATE INDEX evidence_listing ON evidence (job_id, created_at, id);

-- An export is an entry of the queue: a tenant requests it, a worker claims it and makes the archive.
-- Most writes are updates: heartbeat_at is in no index, so heartbeats are HOT updates, and pages keep room for them.
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
    attempt          int NOT NULL DEFAULT 0, -- number of claims so far, never reset
    attempts_allowed int NOT NULL DEFAULT 3, -- recovery gives up after this many; a retry adds three
    claimed_by       text,                   -- the worker of the latest claim, null while queued
    claim_token      uuid,                   -- the right to write; new with every claim, null when unclaimed
    heartbeat_at     timestamptz,
    ledger_head_seq  bigint,                 -- the export.requested event: the export contains the ledger up to it
    ledger_head_hash text,
    storage_path     text,
    object_sha256    text,
    object_size      bigint,
    manifest         text,                   -- the JCS text that was hashed and zipped; jsonb would rewrite numbers
    manifest_hash    text,
    error_code       text,
    error_message    text,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at       timestamptz,
    completed_at     timestamptz,
    FOREIGN KEY (organization_id, job_id) REFERENCES jobs (organization_id, id),
    CHECK (state <> 'ready' OR (storage_path IS NOT NULL AND object_sha256 IS NOT NULL AND manifest IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- One live export per job and type: a second request waits at this index for the first to commit.
CREATE UNIQUE INDEX exports_live ON exports (job_id, export_type) WHERE state IN ('queued', 'preparing');
-- The queue in order, and per organization (a lane): used when organizations at their cap fill the front.
CREATE INDEX exports_queue ON exports (created_at, id) WHERE state = 'queued';
CREATE INDEX exports_lanes ON exports (organization_id, created_at, id) WHERE state = 'queued';
-- Exports in progress: few rows, counted by the claim and searched by recovery.
CREATE INDEX exports_in_progress ON exports (organization_id) WHERE state = 'preparing';
CREATE INDEX exports_listing ON exports (job_id, created_at, id);

-- The ledger: one append-only hash chain per organization. Only ledger_append() inserts rows.
CREATE TABLE audit_logs (
    id                uuid NOT NULL UNIQUE,
    organization_id   uuid NOT NULL,
    ledger_seq        bigint NOT NULL CHECK (ledger_seq > 0),
    actor_id          text,                 -- the user (sub), null for a worker
    event_name        text NOT NULL,
    target_type       text NOT NULL,
    target_id         uuid,
    created_at        timestamptz NOT NULL,
    metadata          jsonb NOT NULL DEFAULT '{}',
    prev_hash         text,                 -- null for the first event
    hash              text NOT NULL,
    salt_key_id       text NOT NULL,
    canonical_version smallint NOT NULL,
    PRIMARY KEY (organization_id, ledger_seq) -- a fork would need two rows with one number
);
CREATE INDEX audit_logs_of_target ON audit_logs (organization_id, target_id, ledger_seq);
-- For the metric that counts completions beyond the first.
CREATE INDEX audit_logs_completions ON audit_logs (organization_id, target_id)
    WHERE event_name = 'export.completed';

-- The secret salts of the hashes, by key id. No request role can read them.
CREATE TABLE ledger_salts (
    key_id     text PRIMARY KEY,
    salt       text NOT NULL CHECK (salt <> ''),
    active     boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX ledger_salts_one_active ON ledger_salts (active) WHERE active;

-- One row per Idempotency-Key, organization and route, with the recorded answer. The transaction that has the
-- effect inserts the row and records the answer: a concurrent request waits at the primary key for its commit.
CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL,
    route           text NOT NULL,
    key             text NOT NULL,
    fingerprint     text,                   -- digest of the request: the key is valid for no other
    status_code     int,
    resource_id     uuid,
    response        jsonb,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organization_id, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- The workers, with the time of their last heartbeat.
-- Processes that have the same name are told apart by their instance.
CREATE TABLE workers (
    name         text NOT NULL,
    instance     uuid NOT NULL,
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, instance)
);

-- Counters that must survive the process: claim fallbacks, reclaims, hash mismatches.
CREATE TABLE backend_counters (
    name  text PRIMARY KEY,
    value bigint NOT NULL DEFAULT 0
);
