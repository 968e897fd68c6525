// The audit trail: one hash chain a tenant.

import { createHash } from "node:crypto";

import { trailSalt } from "./config.mjs";
import { LOCK_NUMBER } from "./database.mjs";
import { defect } from "../defects.mjs";

export const FORM = "1"; // of the text that is digested; a new form leaves old entries readable

/**
 * Append an entry in the caller's transaction; gives {id, entryNo, digest}. Entries of a tenant wait
 * for each other until that transaction ends, so append last: their numbers are the order in which
 * things became true.
 */
export async function append(client, caller, action, subjectKind, subject, details) {
  const { tenant, user } = caller;
  if (!defect("trail-forks")) {
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK_NUMBER})`, [`trail ${tenant}`]);
  }
  const { rows: heads } = await client.query(
    `SELECT entry_no, digest FROM audit_trail WHERE tenant = $1 ORDER BY entry_no DESC LIMIT 1`,
    [tenant],
  );
  const entryNo = (heads[0]?.entry_no ?? 0) + 1;
  const previous = heads[0]?.digest ?? null;
  const { salt, id: saltId } = trailSalt();
  // PostgreSQL makes the id, the time and the text; the digest is made here, with the salt.
  const { rows: drafts } = await client.query(
    `SELECT (draft).id, (draft).at, ${trailText("draft")} AS text FROM (
       SELECT ROW(gen_random_uuid(), $1::uuid, $2::bigint, $3::text, $4::text, $5::text, $6::uuid,
                  clock_timestamp(), $7::jsonb, $8::text, '', $9::text, $10::text)::audit_trail AS draft
     ) AS drafted`,
    [tenant, entryNo, user, action, subjectKind, subject, JSON.stringify(details), previous, saltId, FORM],
  );
  const { id, at, text } = drafts[0];
  const digest = digestOf(text, previous, salt);
  await client.query(
    `INSERT INTO audit_trail (id, tenant, entry_no, actor, action, subject_kind, subject, at, details,
                              previous, digest, salt_id, form)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      ...[id, tenant, entryNo, user, action, subjectKind, subject, at, JSON.stringify(details)],
      ...[previous, digest, saltId, FORM],
    ],
  );
  return { id, entryNo, digest };
}

export const digestOf = (text, previous, salt) =>
  createHash("sha256").update(text + (previous ?? "") + salt, "utf8").digest("hex");

/** SQL for the text of an entry, for whoever writes or checks digests. */
export function trailText(entry) {
  if (!defect("trail-local-time")) return `trail_text(${entry})`;
  return `replace(trail_text(${entry}), to_char((${entry}).at AT TIME ZONE 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), (${entry}).at::text)`;
}
