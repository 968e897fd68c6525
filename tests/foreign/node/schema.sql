-- The case files' database. Tenants are told apart by WHERE clauses, in the application alone.

CREATE TABLE cases (
    ordinal bigint GENERATED ALWAYS AS IDENTITY UNIQUE, -- order of lists, and what cursors hold
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant uuid NOT NULL,
    name text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX cases_of_tenant ON cases (tenant, ordinal);

-- One hash chain per tenant. `digest` is computed by the service: its salt never comes here.
CREATE TABLE audit_trail (
    id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    tenant uuid NOT NULL,
    entry_no bigint NOT NULL,
    actor text,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject uuid NOT NULL,
    at timestamptz NOT NULL,
    details jsonb NOT NULL,
    previous text,
    digest text NOT NULL,
    salt_id text NOT NULL,
    form text NOT NULL,
    CONSTRAINT one_chain PRIMARY KEY (tenant, entry_no)
);
CREATE INDEX audit_trail_of_subject ON audit_trail (tenant, subject, entry_no);

-- The text whose digest an entry has, in form "1". The keys are those of the exchange format that
-- auditors read, whatever our columns are called.
CREATE FUNCTION trail_text(entry audit_trail) RETURNS text
    LANGUAGE sql STABLE SET timezone = 'UTC'
RETURN jsonb_pretty(jsonb_build_object(
    'ledger_seq', entry.entry_no,
    'organization_id', entry.tenant::text,
    'actor_id', COALESCE(entry.actor, ''),
    'event_name', entry.action,
    'target_type', entry.subject_kind,
    'target_id', entry.subject::text,
    'created_at', to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'metadata', entry.details
));

CREATE FUNCTION trail_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is never changed' USING ERRCODE = '42501';
END
$$;
CREATE TRIGGER trail_rows_are_final BEFORE UPDATE OR DELETE ON audit_trail
    FOR EACH ROW EXECUTE FUNCTION trail_is_final();
CREATE TRIGGER trail_is_never_emptied BEFORE TRUNCATE ON audit_trail
    FOR EACH STATEMENT EXECUTE FUNCTION trail_is_final();

CREATE TABLE documents (
    ordinal bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    id uuid PRIMARY KEY,
    tenant uuid NOT NULL,
    case_id uuid NOT NULL REFERENCES cases (id),
    name text NOT NULL, -- as the client called it: shown, never a path
    bytes bigint NOT NULL,
    type text NOT NULL,
    checksum text NOT NULL,
    stored_at text NOT NULL,
    label text,
    stage text,
    taken_at timestamptz,
    filed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    entry_id uuid, -- of the audit trail
    entry_no bigint,
    CONSTRAINT one_document_per_content UNIQUE (case_id, checksum)
);
CREATE INDEX documents_of_case ON documents (case_id, ordinal);

CREATE TABLE packages (
    ordinal bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant uuid NOT NULL,
    case_id uuid NOT NULL REFERENCES cases (id),
    kind text NOT NULL CHECK (kind IN ('bundle', 'trail')),
    filter jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'collecting', 'packing', 'done', 'broken', 'withdrawn')),
    percent integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    tries_granted integer NOT NULL,
    -- A claim is a lease: a token of its own, and a time by this database's clock at which it ends.
    lease uuid,
    lease_until timestamptz,
    worker text,
    upto_entry bigint, -- the trail's head at the request: what the package is made of ends there
    contents text, -- the manifest, as the bytes that went into the archive
    contents_digest text,
    stored_at text,
    archive_bytes bigint,
    archive_checksum text,
    failure_code text,
    failure_message text,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    CHECK ((lease IS NOT NULL) = (state IN ('collecting', 'packing')))
);
CREATE UNIQUE INDEX one_live_package ON packages (case_id, kind)
    WHERE state IN ('waiting', 'collecting', 'packing');
CREATE INDEX packages_waiting ON packages (ordinal) WHERE state = 'waiting';
CREATE INDEX packages_running ON packages (tenant) WHERE state IN ('collecting', 'packing');
CREATE INDEX packages_of_case ON packages (case_id, ordinal);

-- Answers that are given again to whoever repeats a request under its key.
CREATE TABLE request_keys (
    tenant uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, route, key)
);
