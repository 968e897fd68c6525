// Whether a tenant's chain holds: every entry's digest computed again, every link compared.

import { trailSalt } from "./config.mjs";
import { defect } from "../defects.mjs";
import { digestOf, FORM, trailText } from "./trail.mjs";

const BATCH = 500;

/**
 * Walk from the first entry up to `upto`: {whole, last: {digestOk, previousOk}, depth}, where
 * `depth` counts the entries that were looked at.
 */
export async function walk(client, tenant, upto) {
  let whole = true;
  let last = { digestOk: false, previousOk: false };
  let depth = 0;
  let before = null;
  for await (const row of entries(client, tenant, upto)) {
    depth += 1;
    last = { digestOk: digestHolds(row), previousOk: linked(row, before) };
    // A gap or a fork shows in the numbers, even where digests and links were made to fit.
    whole &&= last.digestOk && last.previousOk && row.entry_no === depth;
    before = row;
  }
  return { whole: whole && depth === upto, last, depth };
}

async function* entries(client, tenant, upto) {
  let after = 0;
  while (after < upto) {
    const { rows } = await client.query(
      `SELECT entry_no, previous, digest, salt_id, form, ${trailText("e")} AS text
         FROM audit_trail e WHERE tenant = $1 AND entry_no > $2 AND entry_no <= $3
        ORDER BY entry_no LIMIT $4`,
      [tenant, after, upto, BATCH],
    );
    if (rows.length === 0) return;
    yield* rows;
    after = rows.at(-1).entry_no;
  }
}

function digestHolds(row) {
  const { salt, id } = trailSalt();
  return row.form === FORM && row.salt_id === id && digestOf(row.text, row.previous, salt) === row.digest;
}

function linked(row, before) {
  if (defect("previous-unchecked")) return true;
  return row.previous === (before?.digest ?? null);
}
