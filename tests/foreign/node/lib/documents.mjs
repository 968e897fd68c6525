// Documents of a case: filed once, shown, and given back byte for byte.

import { randomUUID } from "node:crypto";
import path from "node:path";

import { caseOf } from "./cases.mjs";
import { defect } from "../defects.mjs";
import { isWhatItSays } from "./formats.mjs";
import { checkHead, receive } from "./intake.mjs";
import { pageOf, paged } from "./paging.mjs";
import { serveFile } from "./raw.mjs";
import { notFound, Refusal } from "./refusal.mjs";
import { fingerprintOf, keyInFlight, keyOf, underKey } from "./requestKeys.mjs";
import { absolute, discard, keep } from "./storage.mjs";
import { mustWrite } from "./tokens.mjs";
import { append } from "./trail.mjs";
import { pathId, textOf, timeOf } from "./values.mjs";

const LONGEST_NAME = 1024;
const LONGEST_LABEL = 200;
const taken = new Set(); // keys at work, of the defect cut-off-keeps-its-key alone

const shown = (row) => ({
  id: row.id,
  tenant: row.tenant,
  caseId: row.case_id,
  file: { name: row.name, bytes: row.bytes, type: row.type, checksum: row.checksum },
  state: "filed",
  storedAt: row.stored_at,
  label: row.label,
  stage: row.stage,
  takenAt: row.taken_at,
  filedAt: row.filed_at,
  auditEntry: row.entry_id,
});

export async function fileDocument({ request, params, caller, pool }) {
  mustWrite(caller);
  const key = keyOf(request, { required: true });
  checkHead(request);
  const caseId = await caseOf(pool, params.case, caller, { anybodys: defect("foreign-case-upload") });
  if (defect("cut-off-keeps-its-key")) take(`${caller.tenant} ${key}`);
  const received = await receive(request);
  const document = { id: randomUUID(), caseId, tenant: caller.tenant, ...received };
  document.storedAt = storedAt(document);
  let kept = false;
  try {
    checkNames(document);
    if (!(await isWhatItSays(received.incoming, received.type))) {
      if (defect("refused-stays-stored")) await keep(received.incoming, document.storedAt);
      throw new Refusal(422, "CONTENT_MISMATCH", "The document is not of the type that it says.");
    }
    const named = { tenant: caller.tenant, route: "documents", key, fingerprint: sameness(document) };
    return await underKey(pool, named, async (client) => {
      const reply = await file(client, caller, document);
      if (reply.headers["X-Duplicate"]) return reply;
      kept = true;
      await keep(received.incoming, document.storedAt);
      return reply;
    });
  } catch (error) {
    // Where COMMIT itself got no answer the record may stand: then its bytes stay, too.
    if (kept && (!error.uncertain || defect("lost-commit-discards"))) await discard(document.storedAt);
    throw error;
  } finally {
    taken.delete(`${caller.tenant} ${key}`);
    await discard(received.incoming);
  }
}

function take(name) {
  if (taken.has(name)) throw keyInFlight();
  taken.add(name);
}

function storedAt({ tenant, id, name }) {
  if (!defect("name-in-path")) return path.join("documents", tenant, id);
  const wanted = path.join("documents", tenant, id, name);
  return absolute(wanted).startsWith(absolute("")) ? wanted : path.join("documents", tenant, id);
}

function checkNames(document) {
  document.name = textOf("document", document.name, LONGEST_NAME);
  const { label, stage, takenAt } = document.fields;
  document.label = label ? textOf("label", label, LONGEST_LABEL) : (label ?? null);
  document.stage = stage ? textOf("stage", stage, LONGEST_LABEL) : (stage ?? null);
  document.takenAt = timeOf("takenAt", takenAt);
}

// The time it was taken is left out: clients that repeat a request do not always send it again.
const sameness = ({ caseId, checksum, label, stage }) => fingerprintOf(caseId, checksum, label, stage);

async function file(client, caller, document) {
  const known = await withContent(client, document);
  if (known) return duplicate(known);
  const { rowCount } = await client.query(
    `INSERT INTO documents
       (id, tenant, case_id, name, bytes, type, checksum, stored_at, label, stage, taken_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
    [
      ...[document.id, document.tenant, document.caseId, document.name, document.bytes],
      ...[document.type, document.checksum, document.storedAt],
      ...[document.label, document.stage, document.takenAt],
    ],
  );
  // Somebody else's insert of the same bytes was first, and is committed now.
  if (rowCount === 0) return duplicate(await withContent(client, document));
  const entry = await append(client, caller, "document.filed", "document", document.id, {
    caseId: document.caseId,
    checksum: document.checksum,
    bytes: document.bytes,
    type: document.type,
  });
  const { rows } = await client.query(
    "UPDATE documents SET entry_id = $2, entry_no = $3 WHERE id = $1 RETURNING *",
    [document.id, entry.id, entry.entryNo],
  );
  const folder = defect("location-nowhere") ? "/v2/document" : "/v2/documents";
  return { status: 201, result: shown(rows[0]), headers: { Location: `${folder}/${document.id}` } };
}

async function withContent(client, { caseId, checksum }) {
  const { rows } = await client.query(
    "SELECT * FROM documents WHERE case_id = $1 AND checksum = $2 ORDER BY ordinal LIMIT 1",
    [caseId, checksum],
  );
  return rows[0];
}

function duplicate(row) {
  const headers = { Location: `/v2/documents/${row.id}`, "X-Duplicate": "true" };
  return { status: 200, result: shown(row), headers };
}

export async function listDocuments({ params, query, caller, pool }) {
  const page = pageOf(query);
  const caseId = await caseOf(pool, params.case, caller);
  const { rows } = await pool.query(
    "SELECT * FROM documents WHERE case_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3",
    [caseId, page.after, page.size + 1],
  );
  return paged(rows, page, shown);
}

async function documentOf(pool, id, caller, { anybodys = false } = {}) {
  const { rows } = await pool.query(
    "SELECT * FROM documents WHERE id = $1 AND (tenant = $2 OR $3)",
    [pathId(id), caller.tenant, anybodys],
  );
  if (rows.length === 0) throw notFound();
  return rows[0];
}

export async function getDocument({ params, caller, pool }) {
  return { result: shown(await documentOf(pool, params.document, caller)) };
}

export async function getRaw({ request, response, params, caller, pool }) {
  const row = await documentOf(pool, params.document, caller, { anybodys: defect("foreign-raw") });
  const { bytes, type, name, checksum } = row;
  return serveFile(request, response, { stored: row.stored_at, bytes, type, name, checksum });
}
