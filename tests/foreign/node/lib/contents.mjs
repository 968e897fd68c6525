// What a package consists of. It is a function of the package alone: documents and entries of the
// trail up to the request, in the order of the trail, so that every try writes the same bytes.
//
// `manifest.json` and `ledger.json` leave the house. They follow the exchange format, version 1.0,
// not the names that the rest of this service uses.

import { createHash } from "node:crypto";

import canonicalize from "canonicalize";

import { defect } from "../defects.mjs";
import { extensionOf } from "./formats.mjs";

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** The digest of a manifest, which RFC 8785 makes the same however it is spelt. */
export const contentsDigest = (contents) => sha256(canonical(contents));

const canonical = (contents) =>
  defect("contents-not-canonical") ? JSON.stringify(contents) : canonicalize(contents);

/** Everything of a package but the archive: {documents, trail: Buffer, text, digest}. */
export async function contentsOf(client, row) {
  const documents = row.kind === "bundle" ? await documentsOf(client, row) : [];
  const { bytes: trail, head } = await trailFileOf(client, row.tenant, row.upto_entry);
  const files = documents.map((each) => ({
    name: each.entry,
    type: each.type,
    size: each.bytes,
    sha256: each.checksum,
    evidence_id: each.id,
  }));
  files.push({
    name: "ledger.json",
    type: "application/json",
    size: trail.length,
    sha256: sha256(trail),
    evidence_id: null,
  });
  const text = canonical({
    version: "1.0",
    export_id: row.id,
    organization_id: row.tenant,
    job_id: row.case_id,
    generated_at: row.requested_at,
    filters: row.filter,
    files,
    ledger_head: { ledger_seq: head.ledger_seq, hash: head.hash },
  });
  return { documents, trail, text, digest: sha256(text) };
}

async function documentsOf(client, { case_id: caseId, upto_entry: upto }) {
  const { rows } = await client.query(
    `SELECT id, bytes, type, checksum, stored_at FROM documents
      WHERE case_id = $1 AND entry_no <= $2 ORDER BY entry_no`,
    [caseId, upto],
  );
  return rows.map((row) => ({ ...row, entry: `documents/${row.id}.${extensionOf(row.type)}` }));
}

/** `ledger.json` up to an entry, and the last entry in it. */
export async function trailFileOf(client, tenant, upto) {
  const { rows } = await client.query(
    `SELECT id AS event_id, entry_no AS ledger_seq, tenant AS organization_id, actor AS actor_id,
            action AS event_name, subject_kind AS target_type, subject AS target_id,
            to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created_at,
            details AS metadata, previous AS prev_hash, digest AS hash, salt_id AS salt_key_id,
            form AS canonical_version
       FROM audit_trail WHERE tenant = $1 AND entry_no <= $2 ORDER BY entry_no`,
    [tenant, upto],
  );
  return { bytes: Buffer.from(JSON.stringify(rows)), head: rows.at(-1) };
}
