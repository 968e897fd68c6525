// The pool of connections, and transactions.

import pg from "pg";

import { databasePatience, databaseUrl } from "./config.mjs";

// Times stay PostgreSQL's own text: a Date would lose their microseconds, and digests cover them.
const BIGINT = 20;
const TIMESTAMPTZ = 1184;
pg.types.setTypeParser(BIGINT, Number);
pg.types.setTypeParser(TIMESTAMPTZ, (text) => text.replace(" ", "T").replace(/\+00$/, "Z"));

export function openPool(size, name = "case-files") {
  const patience = databasePatience() * 1000;
  const pool = new pg.Pool({
    connectionString: databaseUrl(),
    max: size,
    connectionTimeoutMillis: patience,
    query_timeout: patience,
    // Whatever the database's defaults are, times come in one form.
    options: "-c timezone=UTC -c datestyle=ISO,YMD",
    application_name: name,
  });
  // A connection that breaks is reported twice: to the query that used it, and as an event without
  // a listener, which would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/**
 * Run `steps(client)` in a transaction. An error of COMMIT itself carries `uncertain: true`: the
 * transaction may have happened.
 */
export async function transaction(pool, steps) {
  const client = await pool.connect();
  let broken;
  try {
    await client.query("BEGIN");
    const result = await steps(client);
    try {
      await client.query("COMMIT");
    } catch (error) {
      error.uncertain = true;
      throw error;
    }
    return result;
  } catch (error) {
    // A connection that timed out in the middle of a statement is of no more use to anybody: it is
    // closed, and not waited for once more.
    if (READ_TIMEOUT.test(error.message)) broken = error;
    else await client.query("ROLLBACK").catch((fault) => (broken = fault));
    throw error;
  } finally {
    client.release(broken);
  }
}

const READ_TIMEOUT = /^Query read timeout/;

/** One of PostgreSQL's advisory lock numbers for a text. */
export const LOCK_NUMBER = "hashtextextended($1, 0)";

const AWAY_CLASSES = ["08", "53", "57", "58"]; // connection, resources, operator, system errors
const AWAY_CODES = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOENT", "EHOSTUNREACH", "ENOTFOUND"],
  ...["25006", "40001", "40P01", "55P03"], // read-only, serialization, deadlock, lock not available
  ...["55000", "3D000"], // the database takes no connections, or is not there
]);
const STORAGE_CODES = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EPERM", "EMFILE"]);
const AWAY_WORDS = /connection terminated|timeout|not queryable|Query read timeout/i;

/** Whether an error means that the database or the storage cannot serve now. */
export function isOutage(error) {
  const code = String(error.code ?? "");
  return (
    AWAY_CODES.has(code) ||
    STORAGE_CODES.has(code) ||
    (/^[0-9A-Z]{5}$/.test(code) && AWAY_CLASSES.includes(code.slice(0, 2))) ||
    AWAY_WORDS.test(error.message ?? "")
  );
}
