// Whether a package is still what its contents say, and whether contents that somebody brings are
// those of a package.

import { jsonOf } from "./body.mjs";
import { contentsDigest, sha256 } from "./contents.mjs";
import { differences, wellFormed } from "./contentsForm.mjs";
import { packageOf } from "./packages.mjs";
import { invalid } from "./refusal.mjs";
import { checksumOf } from "./storage.mjs";
import { walk } from "./trailCheck.mjs";
import { isObject, isUuid, jsonProblem } from "./values.mjs";

const NOTHING = { wellFormed: false, packageMatch: false, trailMatch: false, files: [], differences: [] };

export async function checkContents({ request, caller, pool }) {
  const { packageId, contents } = await jsonOf(request);
  if (packageId !== undefined && !isUuid(packageId)) throw invalid("packageId", "must be an id");
  if (contents !== undefined && !isObject(contents)) throw invalid("contents", "must be an object");
  if (packageId === undefined && contents === undefined) {
    throw invalid("", "packageId or contents must be given");
  }
  const row = packageId === undefined ? null : await packageOf(pool, packageId, caller);
  return { result: await judged(pool, caller, row, contents) };
}

async function judged(pool, caller, named, submitted) {
  if (submitted === undefined) {
    return named.state === "done" ? compared(pool, named, storedOf(named)) : NOTHING;
  }
  // One level for each of the places where a package's filter stands deeper than in its request.
  const problem = jsonProblem(submitted, -2);
  if (problem) return { ...NOTHING, differences: [{ path: "", expected: null, got: problem }] };
  const row = named ?? (await ownedBy(pool, submitted.export_id, caller));
  if (row?.state === "done") return compared(pool, row, submitted);
  if (row) return NOTHING; // a package that is not done
  const got = submitted.export_id ?? null;
  return {
    ...NOTHING,
    wellFormed: wellFormed(submitted, caller.tenant),
    differences: [{ path: "/export_id", expected: null, got }],
  };
}

async function ownedBy(pool, id, caller) {
  if (!isUuid(id)) return null;
  const { rows } = await pool.query("SELECT * FROM packages WHERE id = $1 AND tenant = $2", [
    id,
    caller.tenant,
  ]);
  return rows[0] ?? null;
}

async function compared(pool, row, contents) {
  const stored = storedOf(row);
  const digest = contentsDigest(contents);
  const found = differences(stored, contents);
  // The bytes that are kept must be the canonical ones, and those whose digest was recorded.
  if (sha256(row.contents) !== row.contents_digest) {
    found.push({ path: "", expected: row.contents_digest, got: sha256(row.contents) });
  }
  const files = await filesChecked(pool, row, stored, contents);
  const archive = await checksumOf(row.stored_at);
  if (archive !== row.archive_checksum) {
    files.push({ name: row.stored_at, ok: false, reason: archive ? "changed" : "missing" });
  }
  return {
    wellFormed: wellFormed(contents, row.tenant),
    packageMatch: digest === row.contents_digest && found.length === 0 && files.every(({ ok }) => ok),
    trailMatch: await recorded(pool, row, digest),
    files,
    differences: found,
  };
}

// Whoever changed the database behind our back may have left anything in it.
function storedOf(row) {
  try {
    const stored = JSON.parse(row.contents);
    return isObject(stored) ? stored : {};
  } catch {
    return {};
  }
}

const filesOf = (contents) =>
  (Array.isArray(contents.files) ? contents.files : []).filter(isObject);

async function filesChecked(pool, row, stored, contents) {
  const brought = filesOf(contents);
  const kept = filesOf(stored);
  const names = new Set(kept.map(({ name }) => name));
  const files = [];
  for (const file of kept) {
    const same = brought.find((each) => each.name === file.name);
    const reason = same
      ? differences(file, same).length > 0
        ? "differs from the package's contents"
        : await storageProblem(pool, file)
      : "not in these contents";
    files.push({ name: file.name, ok: reason === null, reason });
  }
  for (const each of brought) {
    if (!names.has(each.name)) {
      files.push({ name: String(each.name), ok: false, reason: "not in the package" });
    }
  }
  return files;
}

async function storageProblem(pool, file) {
  // The audit trail's file is kept in the archive alone, and the archive has a checksum of its own.
  if (file.evidence_id === null) return null;
  const found = await bytesNow(pool, file);
  if (found === null) return "missing";
  return found === file.sha256 ? null : "changed";
}

async function bytesNow(pool, file) {
  if (!isUuid(file.evidence_id)) return null;
  const { rows } = await pool.query("SELECT stored_at FROM documents WHERE id = $1", [file.evidence_id]);
  return rows.length === 0 ? null : checksumOf(rows[0].stored_at);
}

async function recorded(pool, row, digest) {
  const { rows } = await pool.query(
    `SELECT entry_no, details FROM audit_trail
      WHERE tenant = $1 AND subject = $2 AND action = 'package.finished'`,
    [row.tenant, row.id],
  );
  if (rows.length !== 1 || rows[0].details.contentsDigest !== digest) return false;
  return (await walk(pool, row.tenant, rows[0].entry_no)).whole;
}
