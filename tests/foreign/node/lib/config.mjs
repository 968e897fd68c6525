// All settings, from the environment, read once. A missing or senseless one ends the process with a
// sentence: a service that starts with half its settings fails later and in a stranger place.

function text(name, fallback) {
  const value = process.env[name] || fallback;
  if (value === undefined) {
    process.stderr.write(`${name} is not set\n`);
    process.exit(2);
  }
  return value;
}

function number(name, fallback) {
  const value = Number(text(name, String(fallback)));
  if (!Number.isFinite(value) || value < 0) {
    process.stderr.write(`${name} must be a number that is not negative\n`);
    process.exit(2);
  }
  return value;
}

export const databaseUrl = () => text("DATABASE_URL");

/** Where documents and archives lie, shared by all instances. */
export const storageDir = () => text("STORAGE_DIR");

export const listenOn = () => ({ host: text("HOST", "127.0.0.1"), port: number("PORT", 8080) });

export const tokens = () => ({
  secret: text("TOKEN_SECRET"),
  audience: text("TOKEN_AUDIENCE", "case-files"),
});

/** The secret that digests of the audit trail are salted with, and its public id. */
export const trailSalt = () => ({ id: text("TRAIL_SALT_ID", "s1"), salt: text("TRAIL_SALT") });

export const maxDocumentBytes = () => number("MAX_DOCUMENT_BYTES", 50 * 1024 * 1024);

/** Seconds that PostgreSQL may take for an answer before it counts as away. */
export const databasePatience = () => number("DATABASE_PATIENCE_SECONDS", 5);

export const work = () => ({
  name: text("WORKER_NAME", `worker-${process.pid}`),
  slots: number("WORKER_SLOTS", 4),
  perTenant: number("MAX_RUNNING_PER_TENANT", 3),
  // A lease that nobody renews ends after this long, and any worker may take the package back.
  leaseSeconds: number("LEASE_SECONDS", 300),
  renewSeconds: number("RENEW_SECONDS", 30),
  sweepSeconds: number("SWEEP_SECONDS", 15),
  pollSeconds: number("POLL_SECONDS", 0.2),
  drainSeconds: number("DRAIN_SECONDS", 20),
});

/** How many times a package is tried before it is broken; asking again grants as many more. */
export const triesGranted = () => number("TRIES_GRANTED", 3);
