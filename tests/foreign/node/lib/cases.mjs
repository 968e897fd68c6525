// Cases: what everything else hangs on.

import { defect } from "../defects.mjs";
import { jsonOf } from "./body.mjs";
import { LOCK_NUMBER, transaction } from "./database.mjs";
import { pageOf, paged } from "./paging.mjs";
import { notFound } from "./refusal.mjs";
import { mustWrite } from "./tokens.mjs";
import { pathId, textOf } from "./values.mjs";

const LONGEST_NAME = 300;

const shown = (row) => ({ id: row.id, tenant: row.tenant, name: row.name, openedAt: row.opened_at });

export async function openCase({ request, caller, pool }) {
  mustWrite(caller);
  const text = textOf("name", (await jsonOf(request)).name, LONGEST_NAME);
  const { rows } = await transaction(pool, async (client) => {
    // One after the other: else a case could have the later place in lists and the earlier time.
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK_NUMBER})`, [`cases ${caller.tenant}`]);
    const insert = "INSERT INTO cases (tenant, name) VALUES ($1, $2) RETURNING *";
    return client.query(insert, [caller.tenant, text]);
  });
  const headers = { Location: `/v2/cases/${rows[0].id}` };
  return { status: 201, result: shown(rows[0]), headers };
}

export async function listCases({ query, caller, pool }) {
  const page = pageOf(query);
  const everybodys = defect("cursor-forgets-tenant") && page.after > 0;
  const { rows } = await pool.query(
    `SELECT * FROM cases WHERE (tenant = $1 OR $4) AND ordinal > $2 ORDER BY ordinal LIMIT $3`,
    [caller.tenant, page.after, page.size + 1, everybodys],
  );
  return paged(rows, page, shown);
}

export async function getCase({ params, caller, pool }) {
  const id = await caseOf(pool, params.case, caller);
  const { rows } = await pool.query("SELECT * FROM cases WHERE id = $1", [id]);
  return { result: shown(rows[0]) };
}

/** The id of a case of the caller's; raises 404 for any other. */
export async function caseOf(client, id, caller, { anybodys = false } = {}) {
  const { rows } = await client.query("SELECT id FROM cases WHERE id = $1 AND (tenant = $2 OR $3)", [
    pathId(id),
    caller.tenant,
    anybodys,
  ]);
  if (rows.length === 0) throw notFound();
  return rows[0].id;
}
