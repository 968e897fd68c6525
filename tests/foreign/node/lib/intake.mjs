// A document on its way in: from a multipart form to a file in `incoming/`, without ever being in
// memory, and refused at the first byte that decides it.

import { createHash } from "node:crypto";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

import { Busboy } from "@fastify/busboy";

import { maxDocumentBytes } from "./config.mjs";
import { defect } from "../defects.mjs";
import { isAllowed } from "./formats.mjs";
import { invalid, malformed, Refusal, tooLarge } from "./refusal.mjs";
import { discard, newIncoming } from "./storage.mjs";

const FRAME_BYTES = 64 * 1024; // what a form may have around its document
const LIMITS = { fields: 20, fieldSize: 4096, parts: 30, headerSize: 16 * 1024 };

/** Refuse what can be refused before the body is read. */
export function checkHead(request) {
  const type = request.headers["content-type"] ?? "";
  if (!/^multipart\/form-data\s*;/i.test(type)) throw malformed("The body must be multipart/form-data.");
  if (!/;\s*boundary=("[^"]+"|[^\s";]+)/i.test(type)) throw malformed("The form has no boundary.");
  const length = Number(request.headers["content-length"] ?? 0);
  if (length > maxDocumentBytes() + FRAME_BYTES) throw tooLarge(maxDocumentBytes());
}

/**
 * Read a form with one `document`: {fields, name, type, bytes, checksum, incoming}. Raises 400, 413
 * or 415; nothing is stored then.
 */
export async function receive(request) {
  const form = formOf(request);
  const fields = {};
  let saving = null;
  let arriving = null;
  let seen = 0;
  try {
    await new Promise((resolve, reject) => {
      form.on("field", (name, value, _, truncated) => {
        if (truncated) reject(invalid(name, "is too long"));
        fields[name] = value;
      });
      form.on("file", (field, stream, name, _, type) => {
        stream.on("error", () => {}); // save() tells of it; the form does where nothing is saved
        if (field !== "document") stream.resume();
        else if (saving) reject(invalid("document", "must be given once"));
        else if (!isAllowed(type)) reject(typeRefused(type));
        else {
          arriving = stream;
          saving = save(stream, name ?? "", type);
          saving.catch(reject);
        }
      });
      form.on("error", () => reject(malformed("The form is broken.")));
      form.on("partsLimit", () => reject(malformed("The form has too many parts.")));
      form.on("fieldsLimit", () => reject(malformed("The form has too many fields.")));
      form.on("finish", resolve);
      request.on("close", () => request.complete || reject(malformed("The body was cut off.")));
      // Parts that nobody keeps count as well, and a field is told of only when it has ended.
      request.on("data", (chunk) => {
        seen += chunk.length;
        if (seen > maxDocumentBytes() + FRAME_BYTES && !defect("size-by-header-only")) {
          reject(tooLarge(maxDocumentBytes()));
        }
      });
      request.beforeBody?.();
      request.pipe(form);
    });
    if (!saving) throw invalid("document", "must be given, as a file");
    const saved = await saving;
    if (saved.bytes === 0) throw new Refusal(400, "EMPTY_DOCUMENT", "The document has no bytes.");
    return { fields, ...saved };
  } catch (error) {
    request.unpipe(form);
    form.destroy();
    arriving?.destroy(malformed("The body was cut off.")); // the parser leaves it waiting for more
    await saving?.then(({ incoming }) => discard(incoming), () => {});
    throw error;
  }
}

function formOf(request) {
  try {
    return new Busboy({ headers: request.headers, preservePath: true, limits: LIMITS });
  } catch {
    throw malformed("The form has no boundary.");
  }
}

function typeRefused(type) {
  return new Refusal(415, "TYPE_NOT_ALLOWED", "Documents are not taken in this type.", {
    fields: [{ field: "document", problem: `${type.slice(0, 100)} is not allowed` }],
  });
}

async function save(source, name, type) {
  const { relative, stream } = await newIncoming();
  const hash = createHash("sha256");
  const limit = maxDocumentBytes();
  let bytes = 0;
  const meter = new Transform({
    transform(chunk, _, done) {
      bytes += chunk.length;
      if (bytes > limit && !defect("size-by-header-only")) {
        done(tooLarge(limit));
        return;
      }
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(source, meter, stream);
  } catch (error) {
    await discard(relative);
    // What goes wrong in the storage has a code; the parser's complaints about the form have none.
    const ours = error instanceof Refusal || error.code !== undefined;
    throw ours ? error : malformed("The form ends too early.");
  }
  return { name, type, bytes, checksum: hash.digest("hex"), incoming: relative };
}
