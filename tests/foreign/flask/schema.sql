-- One file for all processes. Times are texts in one fixed UTC form, written by SQLite's own clock, so
-- that they compare as texts. `place` is the order in which rows came to be.
CREATE TABLE IF NOT EXISTS tenants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    made_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS people (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    role TEXT NOT NULL CHECK (role IN ('boss', 'clerk', 'guest')),
    token_digest TEXT NOT NULL UNIQUE, -- the token itself is stored nowhere
    made_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS projects (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS projects_of_tenant ON projects (tenant, place);

CREATE TABLE IF NOT EXISTS files (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    project TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    bytes INTEGER NOT NULL CHECK (bytes > 0),
    media_type TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    label TEXT,
    stage TEXT,
    taken_at TEXT,
    kept_in TEXT NOT NULL,
    kept_at TEXT NOT NULL,
    journal_entry TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS same_bytes_once ON files (project, sha256);

CREATE TABLE IF NOT EXISTS bundles (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    project TEXT NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL CHECK (kind IN ('full', 'journal')),
    status TEXT NOT NULL CHECK (status IN ('new', 'running', 'finished', 'error', 'stopped')),
    options TEXT NOT NULL,
    last_file INTEGER NOT NULL, -- what the bundle holds was settled when it was asked for
    head_number INTEGER NOT NULL,
    percent INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    tries_allowed INTEGER NOT NULL,
    worker TEXT,
    lease TEXT,
    lease_until TEXT,
    beat_at TEXT,
    kept_in TEXT,
    zip_sha256 TEXT,
    index_text TEXT,
    index_sha256 TEXT,
    problem TEXT,
    problem_text TEXT,
    asked_at TEXT NOT NULL,
    begun_at TEXT,
    ended_at TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS one_live_bundle ON bundles (project, kind)
WHERE status IN ('new', 'running');
CREATE INDEX IF NOT EXISTS waiting_bundles ON bundles (place) WHERE status = 'new';
CREATE INDEX IF NOT EXISTS running_bundles ON bundles (tenant) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS bundles_of_project ON bundles (project, place);

CREATE TABLE IF NOT EXISTS journal (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    number INTEGER NOT NULL,
    actor TEXT,
    what TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at TEXT NOT NULL,
    details TEXT NOT NULL,
    before TEXT,
    seal TEXT NOT NULL,
    salt_id TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_entry_a_number ON journal (tenant, number);
CREATE INDEX IF NOT EXISTS journal_of_subject ON journal (tenant, subject, number);
CREATE TRIGGER IF NOT EXISTS journal_is_not_changed BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
CREATE TRIGGER IF NOT EXISTS journal_is_not_deleted BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

-- A dedup token is held while its request is at work, and remembered once it was answered.
CREATE TABLE IF NOT EXISTS dedup_tokens (
    tenant TEXT NOT NULL,
    route TEXT NOT NULL,
    token TEXT NOT NULL,
    holder TEXT,
    held_until TEXT,
    fingerprint TEXT,
    status INTEGER,
    answer TEXT,
    PRIMARY KEY (tenant, route, token)
);
