// Packages: a case's documents, or the tenant's trail, as an archive that workers make.

import { triesGranted } from "./config.mjs";
import { caseOf } from "./cases.mjs";
import { defect } from "../defects.mjs";
import { jsonOf } from "./body.mjs";
import { transaction } from "./database.mjs";
import { pageOf, paged } from "./paging.mjs";
import { serveFile } from "./raw.mjs";
import { invalid, notFound, Refusal, wrongState } from "./refusal.mjs";
import { fingerprintOf, keyOf, underKey } from "./requestKeys.mjs";
import { mustWrite } from "./tokens.mjs";
import { append } from "./trail.mjs";
import { isObject, jsonProblem, pathId } from "./values.mjs";

const KINDS = new Set(["bundle", "trail"]);
const LIVE = "('waiting', 'collecting', 'packing')";
const UNIQUE_VIOLATION = "23505";
const CACHED_MS = 10_000; // of the defect stale-cache
const cache = new Map();

// How many of its tenant's are in the queue before it is part of what a package is shown as.
const AMONG = defect("place-among-all") ? "" : "AND w.tenant = p.tenant";
const SHOWN = `p.*, CASE WHEN state = 'waiting' THEN
  (SELECT count(*) FROM packages w
    WHERE w.state = 'waiting' ${AMONG} AND w.ordinal <= p.ordinal) END AS place`;

const shown = (row) => ({
  id: row.id,
  tenant: row.tenant,
  caseId: row.case_id,
  kind: row.kind,
  filter: row.filter,
  state: row.state,
  run: {
    percent: row.percent,
    tries: row.tries,
    worker: row.worker,
    leaseUntil: row.lease_until,
    place: row.place,
  },
  archive: row.stored_at && {
    storedAt: row.stored_at,
    bytes: row.archive_bytes,
    checksum: row.archive_checksum,
  },
  contents: row.contents && JSON.parse(row.contents),
  contentsDigest: row.contents_digest,
  failure: row.failure_code && { code: row.failure_code, message: row.failure_message },
  requestedAt: row.requested_at,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
});

const isLive = (row) => ["waiting", "collecting", "packing"].includes(row.state);

async function find(client, id) {
  const { rows } = await client.query(`SELECT ${SHOWN} FROM packages p WHERE p.id = $1`, [id]);
  return rows[0];
}

/** A package of the caller's; raises 404 for any other. */
export async function packageOf(client, id, caller) {
  const row = await find(client, pathId(id));
  if (!row || row.tenant !== caller.tenant) throw notFound();
  return row;
}

export async function requestPackage({ request, params, caller, pool }) {
  mustWrite(caller);
  const key = keyOf(request, { required: false });
  const { kind, filter = {} } = await jsonOf(request);
  if (!KINDS.has(kind)) throw invalid("kind", `must be one of ${[...KINDS].join(", ")}`);
  if (!isObject(filter)) throw invalid("filter", "must be an object");
  const problem = jsonProblem(filter);
  if (problem) throw invalid("filter", problem);
  const caseId = await caseOf(pool, params.case, caller);
  const fingerprint = fingerprintOf(caseId, kind, filter);
  return underKey(pool, { tenant: caller.tenant, route: "packages", key, fingerprint }, (client) =>
    enqueue(client, caller, { caseId, kind, filter }),
  );
}

async function enqueue(client, caller, { caseId, kind, filter }) {
  // The one that was live may end between the insert and the look at it; then the next insert works.
  for (let turn = 0; turn < 5; turn += 1) {
    const { rows } = await client.query(
      `INSERT INTO packages (tenant, case_id, kind, filter, tries_granted)
       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id`,
      [caller.tenant, caseId, kind, JSON.stringify(filter), triesGranted()],
    );
    if (rows.length > 0) return asked(client, caller, rows[0].id, { caseId, kind, filter });
    const { rows: live } = await client.query(
      `SELECT ${SHOWN} FROM packages p WHERE case_id = $1 AND kind = $2 AND state IN ${LIVE}`,
      [caseId, kind],
    );
    if (live.length > 0) return accepted(live[0], { "X-Already-Running": "true" });
  }
  throw wrongState("Other packages of this case come and go too fast.");
}

async function asked(client, caller, id, details) {
  const entry = await append(client, caller, "package.requested", "package", id, details);
  await client.query("UPDATE packages SET upto_entry = COALESCE(upto_entry, $2) WHERE id = $1", [
    id,
    entry.entryNo,
  ]);
  return accepted(await find(client, id));
}

function accepted(row, more = {}) {
  const headers = { Location: `/v2/packages/${row.id}`, "Retry-After": "1", ...more };
  return { status: 200, result: shown(row), headers };
}

export async function listPackages({ params, query, caller, pool }) {
  const page = pageOf(query);
  const caseId = await caseOf(pool, params.case, caller);
  const { rows } = await pool.query(
    `SELECT ${SHOWN} FROM packages p WHERE case_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3`,
    [caseId, page.after, page.size + 1],
  );
  return paged(rows, page, shown);
}

export async function getPackage({ params, caller, pool }) {
  const seen = defect("stale-cache") ? cache.get(params.package) : undefined;
  if (seen && seen.tenant === caller.tenant && Date.now() < seen.until) return seen.reply;
  const row = await packageOf(pool, params.package, caller);
  const reply = { result: shown(row), headers: isLive(row) ? { "Retry-After": "1" } : {} };
  if (defect("stale-cache")) {
    cache.set(params.package, { tenant: caller.tenant, until: Date.now() + CACHED_MS, reply });
  }
  return reply;
}

export async function withdrawPackage({ params, caller, pool }) {
  if (!defect("reader-withdraws")) mustWrite(caller);
  return transaction(pool, async (client) => {
    const found = await packageOf(client, params.package, caller);
    const { id } = found;
    if (!isLive(found)) throw wrongState("The package is over.");
    const guard = defect("withdraw-unguarded") ? "" : `AND state IN ${LIVE}`;
    const { rowCount } = await client.query(
      `UPDATE packages SET state = 'withdrawn', lease = NULL, lease_until = NULL,
              finished_at = clock_timestamp() WHERE id = $1 ${guard}`,
      [id],
    );
    if (rowCount === 0) throw wrongState("The package is over.");
    await append(client, caller, "package.withdrawn", "package", id, {});
    return { result: shown(await find(client, id)), headers: { Location: `/v2/packages/${id}` } };
  });
}

export async function packAgain({ params, caller, pool }) {
  mustWrite(caller);
  const granted = defect("again-grants-nothing") ? 0 : triesGranted();
  const before = defect("again-adds-tries") ? "tries_granted" : "tries";
  try {
    return await transaction(pool, async (client) => {
      const { id, case_id: caseId, kind, filter } = await packageOf(client, params.package, caller);
      const { rowCount } = await client.query(
        `UPDATE packages SET state = 'waiting', percent = 0, tries_granted = ${before} + $2,
                worker = NULL,
                failure_code = NULL, failure_message = NULL, started_at = NULL, finished_at = NULL
          WHERE id = $1 AND state = 'broken'`,
        [id, granted],
      );
      if (rowCount === 0) throw wrongState("Only a broken package can be packed again.");
      return asked(client, caller, id, { caseId, kind, filter, again: true });
    });
  } catch (error) {
    if (error.code === UNIQUE_VIOLATION) throw wrongState("Another package of this kind is at work.");
    throw error;
  }
}

export async function getArchive(asked) {
  if (!defect("archive-in-transaction")) return archiveFor(asked.pool, asked);
  return transaction(asked.pool, (client) => archiveFor(client, asked));
}

async function archiveFor(client, { request, response, params, caller }) {
  const row = done(await packageOf(client, params.package, caller));
  return serveFile(request, response, {
    stored: row.stored_at,
    type: "application/zip",
    name: `${row.kind}-${row.id}.zip`,
    checksum: row.archive_checksum,
  });
}

export async function getContents({ params, caller, pool }) {
  const row = done(await packageOf(pool, params.package, caller));
  return { bytes: Buffer.from(row.contents) };
}

function done(row) {
  if (row.state !== "done") throw new Refusal(409, "NOT_DONE", `The package is ${row.state}.`);
  return row;
}
