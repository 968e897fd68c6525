// An archive's bytes: a ZIP whose order, times and modes are fixed, and that compresses nothing, as
// another version of zlib would write other bytes.

import { createHash } from "node:crypto";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

import yazl from "yazl";

import { defect } from "../defects.mjs";
import { discard, newIncoming, readFrom } from "./storage.mjs";

const FIXED = {
  mtime: new Date(1980, 0, 1), // ZIP has local times without a zone; this is the first there is
  forceDosTimestamp: true,
  mode: 0o100644,
  compress: false,
};

/** Write the archive of `contents` to `incoming/`: {incoming, bytes, checksum}. */
export async function writeArchive({ documents, trail, text }, signal) {
  const { relative, stream } = await newIncoming();
  const zip = new yazl.ZipFile();
  for (const each of documents) {
    const { stored_at: stored } = defect("archive-wrong-file") ? documents[0] : each;
    zip.addReadStreamLazy(each.entry, FIXED, (open) => open(null, readFrom(stored)));
  }
  zip.addBuffer(trail, "ledger.json", FIXED);
  zip.addBuffer(Buffer.from(text), "manifest.json", FIXED);
  zip.end();
  const hash = createHash("sha256");
  let bytes = 0;
  const meter = new Transform({
    transform(chunk, _, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  zip.on("error", (error) => meter.destroy(error)); // of a document that cannot be read
  try {
    await pipeline(zip.outputStream, meter, stream, { signal });
  } catch (error) {
    await discard(relative);
    throw error;
  }
  return { incoming: relative, bytes, checksum: hash.digest("hex") };
}
