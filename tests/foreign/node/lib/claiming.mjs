// Who works on a package. Workers claim by themselves: they look for candidates, then take one by
// compare-and-set on its state. A claim is a lease with a token of its own; everything that a worker
// does to a package asks for that token, so that one who comes back too late changes nothing.

import { defect } from "../defects.mjs";
import { LOCK_NUMBER, transaction } from "./database.mjs";
import { append } from "./trail.mjs";

const RUNNING = "('collecting', 'packing')";
const CANDIDATES = 8; // others claim at the same time: whoever loses one goes on to the next

const OWNED = defect("stale-lease-finishes") ? "id = $1 AND $2::uuid IS NOT NULL" : "id = $1 AND lease = $2";

const RENEWED = defect("renewal-without-lease") ? "id = $1 AND $2::uuid IS NOT NULL" : OWNED;
const FROM = defect("renewals-add-up") ? "lease_until" : "clock_timestamp()";

/** The lease of a package was lost: somebody else has it, or it is over. */
export class LeaseLost extends Error {}

/** Claim the oldest package whose tenant has fewer than its share running; null for none. */
export async function claim(pool, { name, leaseSeconds, perTenant }) {
  const { rows: candidates } = await pool.query(
    `SELECT id, tenant FROM packages p
      WHERE state = 'waiting' AND tries < tries_granted AND $1 > (SELECT count(*) FROM packages r
                                        WHERE r.tenant = p.tenant AND r.state IN ${RUNNING})
      ORDER BY ordinal LIMIT ${CANDIDATES}`,
    [perTenant],
  );
  for (const { id, tenant } of candidates) {
    const claimed = await transaction(pool, async (client) => {
      // The count holds until COMMIT only where everybody who counts waits here. It must be a
      // statement of its own: the next one sees what was committed while it waited.
      if (defect("cap-by-candidates")) return take(client, id, name, leaseSeconds);
      await client.query(`SELECT pg_advisory_xact_lock(${LOCK_NUMBER})`, [`claims ${tenant}`]);
      const { rows } = await client.query(
        `SELECT count(*) AS running FROM packages WHERE tenant = $1 AND state IN ${RUNNING}`,
        [tenant],
      );
      return rows[0].running < perTenant ? take(client, id, name, leaseSeconds) : null;
    });
    if (claimed) return claimed;
  }
  return null;
}

async function take(client, id, name, leaseSeconds) {
  const guard = defect("claim-unguarded") ? "" : "AND state = 'waiting'";
  const { rows } = await client.query(
    `UPDATE packages SET state = 'collecting', percent = 0, tries = tries + 1, worker = $2,
            lease = gen_random_uuid(), lease_until = clock_timestamp() + make_interval(secs => $3),
            started_at = COALESCE(started_at, clock_timestamp())
      WHERE id = $1 ${guard} RETURNING *`,
    [id, name, leaseSeconds],
  );
  return rows[0] ?? null;
}

/** Make the lease last from now on; raises LeaseLost. */
export async function renew(pool, { id, lease }, leaseSeconds) {
  const { rowCount } = await pool.query(
    `UPDATE packages SET lease_until = ${FROM} + make_interval(secs => $3)
      WHERE ${RENEWED} AND state IN ${RUNNING}`,
    [id, lease, leaseSeconds],
  );
  if (rowCount === 0) throw new LeaseLost();
}

/** Say that the package is collected and being packed; raises LeaseLost. */
export async function startPacking(pool, { id, lease }) {
  const { rowCount } = await pool.query(
    `UPDATE packages SET state = 'packing', percent = 50, lease = $2 WHERE ${OWNED}`,
    [id, lease],
  );
  if (rowCount === 0) throw new LeaseLost();
}

/**
 * The package is done: its row, its entry of the trail, and `keepArchive()` in one transaction.
 * Raises LeaseLost, and nothing is kept then.
 */
export async function finish(pool, { id, lease, tenant, kind }, made, keepArchive) {
  await transaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE packages SET state = 'done', percent = 100, lease = NULL, lease_until = NULL,
              contents = $3, contents_digest = $4, stored_at = $5, archive_bytes = $6,
              archive_checksum = $7, finished_at = clock_timestamp() WHERE ${OWNED}`,
      [id, lease, made.text, made.digest, made.storedAt, made.bytes, made.checksum],
    );
    if (rowCount === 0) throw new LeaseLost();
    // Another try may have kept the same bytes here before: they are replaced by themselves.
    await keepArchive();
    const details = { kind, contentsDigest: made.digest, archiveChecksum: made.checksum };
    await append(client, { tenant, user: null }, "package.finished", "package", id, details);
  });
}

/** The package can never be done, or its tries are used up; raises LeaseLost. */
export async function breakPackage(pool, { id, lease, tenant }, code, message) {
  await transaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE packages SET state = 'broken', lease = NULL, lease_until = NULL, failure_code = $3,
              failure_message = $4, finished_at = clock_timestamp() WHERE ${OWNED}`,
      [id, lease, code, message],
    );
    if (rowCount === 0) throw new LeaseLost();
    await append(client, { tenant, user: null }, "package.broken", "package", id, { code });
  });
}

/** Give a package back that a worker who leaves has not done; that try does not count. */
export async function giveBack(pool, { id, lease }) {
  await pool.query(
    `UPDATE packages SET state = 'waiting', percent = 0, lease = NULL, lease_until = NULL,
            worker = NULL, tries_granted = tries_granted + 1 WHERE ${OWNED} AND state IN ${RUNNING}`,
    [id, lease],
  );
}

/** Take back everything that is claimed in a name; only a defect does that. */
export async function takeBackOf(pool, name) {
  await pool.query(
    `UPDATE packages SET state = 'waiting', percent = 0, lease = NULL, lease_until = NULL, worker = NULL
      WHERE state IN ${RUNNING} AND worker = $1`,
    [name],
  );
}

let lastSeen = 0; // of the defect sweep-looks-ahead alone

// What a sweep looks at, and how many of it: all, unless a mistake is wanted.
const SWEPT =
  (defect("sweep-spares-the-living")
    ? " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.application_name = packages.worker)"
    : "") + (defect("sweep-looks-ahead") ? " AND ordinal > $1" : " AND $1::bigint IS NOT NULL");
const SWEPT_AT_ONCE = defect("sweep-takes-one") ? "LIMIT 1" : "";

/** Take back every package whose lease has ended by the database's clock. */
export async function recover(pool) {
  // What somebody has locked is being renewed, finished or withdrawn, and must not hold up the rest.
  const rest = defect("sweep-waits") ? "" : "FOR UPDATE SKIP LOCKED";
  const { rows: taken } = await pool.query(
    `WITH ended AS MATERIALIZED (
       SELECT id FROM packages
        WHERE state IN ${RUNNING} AND lease_until < clock_timestamp() AND tries < tries_granted ${SWEPT}
        ${SWEPT_AT_ONCE} ${rest}
     )
     UPDATE packages p SET state = 'waiting', percent = 0, lease = NULL, lease_until = NULL, worker = NULL
       FROM ended WHERE p.id = ended.id RETURNING p.ordinal`,
    [lastSeen],
  );
  for (const { ordinal } of taken) lastSeen = Math.max(lastSeen, ordinal);
  const { rows } = await pool.query(
    `SELECT id, lease, tenant FROM packages
      WHERE state IN ${RUNNING} AND lease_until < clock_timestamp() AND tries >= tries_granted ${SWEPT}`,
    [lastSeen],
  );
  for (const row of rows) await exhaust(pool, row);
}

async function exhaust(pool, { id, lease, tenant }) {
  await transaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE packages SET state = 'broken', lease = NULL, lease_until = NULL,
              failure_code = 'TRIES_EXHAUSTED', failure_message = 'No worker finished it.',
              finished_at = clock_timestamp()
        WHERE id = $1 AND lease = $2 AND lease_until < clock_timestamp()`,
      [id, lease],
    );
    if (rowCount === 0) return; // renewed, finished, withdrawn or taken back meanwhile
    const details = { code: "TRIES_EXHAUSTED" };
    await append(client, { tenant, user: null }, "package.broken", "package", id, details);
  });
}
