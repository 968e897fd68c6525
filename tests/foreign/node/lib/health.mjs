// Whether this instance lives, and whether it can serve.

import { unavailable } from "./refusal.mjs";
import { storageAnswers } from "./storage.mjs";

export const live = async () => ({ result: { live: true } });

export async function ready({ pool }) {
  try {
    await pool.query("SELECT FROM packages LIMIT 0"); // the database answers, and is migrated
    await storageAnswers();
  } catch (error) {
    process.stderr.write(`not ready: ${error.message}\n`);
    throw unavailable();
  }
  return { result: { ready: true } };
}
