// X-Request-Key: a request that is repeated under its key gets the answer that it got before.

import { createHash } from "node:crypto";

import { defect } from "../defects.mjs";
import { LOCK_NUMBER, transaction } from "./database.mjs";
import { invalid, Refusal } from "./refusal.mjs";

const LONGEST_KEY = 255;
const NOBODY = "00000000-0000-0000-0000-000000000000";
const remembered = new Map(); // of the defect keys-in-memory alone

/** The request's key, bare or in quotes; null for none. Raises 400. */
export function keyOf(request, { required }) {
  const raw = (request.headers["x-request-key"] ?? "").trim();
  const key = /^"(.*)"$/s.exec(raw)?.[1] ?? raw;
  if (key === "" && raw === "" && !required) return null;
  if (key.trim() === "" || key.length > LONGEST_KEY || !/^[\x20-\x7e]+$/.test(key)) {
    throw invalid("X-Request-Key", `must be given: at most ${LONGEST_KEY} printable characters`);
  }
  return key;
}

/** A digest of what makes two requests the same. */
export const fingerprintOf = (...parts) =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");

/**
 * Run `work(client)`, which gives {status, result, headers}, in a transaction and remember its
 * answer under the key; or give the answer that is remembered. What is refused is not remembered.
 * Raises 422 for a key that another request had, 409 while the same one is at work.
 */
export async function underKey(pool, { tenant, route, key, fingerprint }, work) {
  if (key === null) return transaction(pool, work);
  const owner = defect("key-without-tenant") ? NOBODY : tenant;
  let later = null; // of the defect answer-remembered-later alone
  const answer = await transaction(pool, async (client) => {
    await hold(client, `key ${owner} ${route} ${key}`);
    const known = await recall(client, [owner, route, key]);
    if (known) {
      if (known.fingerprint !== fingerprint && !defect("key-reuse-accepted")) {
        throw new Refusal(422, "KEY_REUSED", "This key belongs to another request.");
      }
      const headers = { ...known.headers, "X-Replay": "true" };
      return { status: known.status, whole: JSON.parse(known.body), headers };
    }
    const reply = await work(client);
    if (defect("answer-remembered-later")) later = reply;
    else await remember(client, [owner, route, key, fingerprint], reply);
    return reply;
  });
  if (later) await transaction(pool, (client) => remember(client, [owner, route, key, fingerprint], later));
  return answer;
}

// The lock ends with the transaction, or with the connection of an instance that was killed.
async function hold(client, name) {
  const { rows } = await client.query(`SELECT pg_try_advisory_xact_lock(${LOCK_NUMBER}) AS held`, [name]);
  if (!rows[0].held) throw keyInFlight();
}

export function keyInFlight() {
  const headers = { "Retry-After": "1" };
  return new Refusal(409, "KEY_IN_FLIGHT", "A request with this key is at work.", { headers });
}

async function recall(client, name) {
  if (defect("keys-in-memory")) return remembered.get(name.join(" "));
  const { rows } = await client.query(
    `SELECT fingerprint, status, headers, body FROM request_keys
      WHERE tenant = $1 AND route = $2 AND key = $3`,
    name,
  );
  return rows[0];
}

async function remember(client, [owner, route, key, fingerprint], { status, result, headers }) {
  const body = JSON.stringify({ result });
  if (defect("keys-in-memory")) {
    remembered.set(`${owner} ${route} ${key}`, { fingerprint, status, headers, body });
    return;
  }
  await client.query(
    `INSERT INTO request_keys (tenant, route, key, fingerprint, status, headers, body)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [owner, route, key, fingerprint, status, JSON.stringify(headers), body],
  );
}
