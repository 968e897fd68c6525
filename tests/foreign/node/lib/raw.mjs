// Stored bytes, whole or in part (RFC 9110, section 14), with the digest of the whole (RFC 9530).

import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";

import { defect } from "../defects.mjs";
import { Refusal } from "./refusal.mjs";
import { readFrom, sizeOf } from "./storage.mjs";

/** Answer with a file: {stored, bytes, type, name, checksum in hex}. Writes the answer itself. */
export async function serveFile(request, response, file) {
  const size = await sizeOf(file.stored); // a file that is gone is an outage, before any header
  const etag = `"${file.checksum}"`;
  const part = rangeOf(request, size, etag);
  const { start, end } = part ?? { start: 0, end: size - 1 };
  response.writeHead(part ? 206 : 200, {
    "Content-Type": file.type,
    "Content-Length": end - start + 1,
    "Content-Disposition": disposition(file.name),
    "X-Content-Type-Options": "nosniff",
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-store",
    ETag: etag,
    "Repr-Digest": `sha-256=:${await digest(file, part)}:`,
    ...(part && { "Content-Range": `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === "HEAD") {
    response.end();
    return null;
  }
  // A client that goes away ends the pipeline with an error that concerns nobody.
  await pipeline(readFrom(file.stored, { start, end }), response).catch(() => response.destroy());
  return null;
}

/** The part that is asked for: {start, end}, both inclusive; null for the whole. Raises 416. */
function rangeOf(request, size, etag) {
  const condition = request.headers["if-range"];
  if (condition && condition !== etag) return null;
  // Several ranges, another unit or no range at all: the whole is always a right answer.
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(request.headers.range?.trim() ?? "") ?? [];
  if (first === undefined || (first === "" && last === "")) return null;
  if (first !== "" && last !== "" && Number(first) > Number(last)) return null;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || start > end) {
    const headers = { "Content-Range": `bytes */${size}` };
    throw new Refusal(416, "RANGE_NOT_SATISFIABLE", "There are no such bytes.", { headers });
  }
  return { start, end };
}

async function digest(file, part) {
  if (!part || !defect("digest-of-part")) return Buffer.from(file.checksum, "hex").toString("base64");
  const hash = createHash("sha256");
  await pipeline(readFrom(file.stored, part), hash);
  return hash.digest("base64");
}

// RFC 6266: a plain name for old clients, and the real one in UTF-8. Nothing of it can end a header.
function disposition(name) {
  const plain = name.replace(/[^\w. -]/g, "_").slice(0, 100);
  const encoded = encodeURIComponent(name).replace(/['()*!]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
