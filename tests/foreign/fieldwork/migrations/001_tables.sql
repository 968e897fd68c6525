-- Who works for whom, what they document, and what they send to insurers.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;

CREATE TABLE organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A user belongs to one organization. Tokens say who somebody is, this table for whom they work.
CREATE TABLE profiles (
    user_id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations,
    role text NOT NULL CHECK (role IN ('admin', 'technician', 'adjuster')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE work_orders (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    source text NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX work_orders_of_org ON work_orders (org_id, created_at);

CREATE TABLE documents (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations,
    work_order_id uuid NOT NULL REFERENCES work_orders,
    file_name text NOT NULL,
    content_type text NOT NULL,
    byte_size bigint NOT NULL CHECK (byte_size > 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    storage_key text NOT NULL UNIQUE,
    category text,
    step text,
    taken_at timestamptz,
    uploaded_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX documents_same_bytes ON documents (work_order_id, sha256);

-- The requests of devices that send again what they are not sure of.
CREATE TABLE client_requests (
    org_id uuid NOT NULL REFERENCES organizations,
    endpoint text NOT NULL,
    client_request_id text NOT NULL,
    fingerprint text NOT NULL,
    record_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, endpoint, client_request_id)
);

CREATE TABLE proof_packages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations,
    work_order_id uuid NOT NULL REFERENCES work_orders,
    kind text NOT NULL CHECK (kind IN ('insurer_proof')),
    status text NOT NULL DEFAULT 'pending' CHECK (
        status IN ('pending', 'generating', 'uploading', 'completed', 'error', 'cancelled')
    ),
    progress smallint NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    attempts integer NOT NULL DEFAULT 0,
    attempts_allowed integer NOT NULL DEFAULT 3,
    worker_name text,
    lease_token uuid,
    last_seen_at timestamptz,
    storage_key text,
    manifest text,
    manifest_sha256 text,
    zip_sha256 text,
    error_reason text,
    error_message text,
    requested_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz
);
CREATE UNIQUE INDEX proof_packages_one_live ON proof_packages (work_order_id, kind)
    WHERE status IN ('pending', 'generating', 'uploading');
CREATE INDEX proof_packages_waiting ON proof_packages (created_at, id) WHERE status = 'pending';
CREATE INDEX proof_packages_running ON proof_packages (org_id)
    WHERE status IN ('generating', 'uploading');
CREATE INDEX proof_packages_of_work_order ON proof_packages (work_order_id, created_at);
