// The audit trail over HTTP.

import { pageOf, paged } from "./paging.mjs";
import { invalid, notFound } from "./refusal.mjs";
import { walk } from "./trailCheck.mjs";
import { isUuid, pathId } from "./values.mjs";

// The time in the form that its digest covers.
const SHOWN = `*, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at_text`;

const shown = (row) => ({
  id: row.id,
  tenant: row.tenant,
  entryNo: row.entry_no,
  actor: row.actor,
  action: row.action,
  subject: { kind: row.subject_kind, id: row.subject },
  at: row.at_text,
  details: row.details,
  previous: row.previous,
  digest: row.digest,
  saltId: row.salt_id,
  form: row.form,
});

export async function listEntries({ query, caller, pool }) {
  const page = pageOf(query);
  const subject = query.get("subject");
  if (subject !== null && !isUuid(subject)) throw invalid("subject", "must be an id");
  const { rows } = await pool.query(
    `SELECT ${SHOWN} FROM audit_trail
      WHERE tenant = $1 AND entry_no > $2 AND (subject = $3 OR $3 IS NULL) ORDER BY entry_no LIMIT $4`,
    [caller.tenant, page.after, subject, page.size + 1],
  );
  return paged(rows, page, shown, (row) => row.entry_no);
}

async function entryOf(pool, id, caller) {
  const { rows } = await pool.query(
    `SELECT ${SHOWN} FROM audit_trail WHERE id = $1 AND tenant = $2`,
    [pathId(id), caller.tenant],
  );
  if (rows.length === 0) throw notFound();
  return rows[0];
}

export async function getEntry({ params, caller, pool }) {
  return { result: shown(await entryOf(pool, params.entry, caller)) };
}

export async function checkEntry({ params, caller, pool }) {
  const { entry_no: entryNo } = await entryOf(pool, params.entry, caller);
  const { whole, last, depth } = await walk(pool, caller.tenant, entryNo);
  return { result: { digestOk: last.digestOk, previousOk: last.previousOk, chainOk: whole, depth } };
}
