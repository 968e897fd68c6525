// Bring an empty database to the schema; does nothing where that was done.

import { readFile } from "node:fs/promises";

import { openPool, transaction } from "./lib/database.mjs";
import { defect } from "./defects.mjs";

// Mistakes that show only where the schema does not forbid them.
const LOOSENED = {
  "dedup-race": "ALTER TABLE documents DROP CONSTRAINT one_document_per_content",
  "trail-forks": "ALTER TABLE audit_trail DROP CONSTRAINT one_chain",
};

const pool = openPool(1);
try {
  await transaction(pool, async (client) => {
    const { rows } = await client.query("SELECT to_regclass('packages') IS NOT NULL AS done");
    if (rows[0].done) return;
    await client.query(await readFile(new URL("schema.sql", import.meta.url), "utf8"));
    for (const [id, statement] of Object.entries(LOOSENED)) {
      if (defect(id)) await client.query(statement);
    }
  });
} catch (error) {
  process.stderr.write(`migration failed: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  await pool.end();
}
