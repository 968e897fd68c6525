// Files: `incoming/` holds what is not accepted yet, everything else is named by generated ids.
// What a client calls a file is never part of a path.

import { createReadStream } from "node:fs";
import { constants } from "node:fs";
import { access, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { createHash, randomUUID } from "node:crypto";
import path from "node:path";
import { pipeline } from "node:stream/promises";

import { storageDir } from "./config.mjs";

const INCOMING = "incoming";
const LEFT_BEHIND_MS = 3600 * 1000;

export const absolute = (relative) => path.join(storageDir(), relative);

/** Open a new file for what is coming in; gives its relative path and a stream to write to. */
export async function newIncoming() {
  const relative = path.join(INCOMING, randomUUID());
  await mkdir(absolute(INCOMING), { recursive: true });
  // It is there before anybody has it: a stream that opens by itself may make the file after a
  // pipeline that failed at once was cleaned up behind.
  const handle = await open(absolute(relative), "wx");
  return { relative, stream: handle.createWriteStream() };
}

/** Move a file that is complete to where it stays; atomic, as both are in one file system. */
export async function keep(incoming, relative) {
  const handle = await open(absolute(incoming), "r+");
  try {
    await handle.sync(); // a record that says "stored" must not outlive its bytes in a power cut
  } finally {
    await handle.close();
  }
  await mkdir(path.dirname(absolute(relative)), { recursive: true });
  await rename(absolute(incoming), absolute(relative));
}

export const discard = (relative) => rm(absolute(relative), { force: true });

export const sizeOf = async (relative) => (await stat(absolute(relative))).size;

export const readFrom = (relative, range) => createReadStream(absolute(relative), range);

/** SHA-256 of a stored file in hex, or null where there is none. */
export async function checksumOf(relative) {
  const hash = createHash("sha256");
  try {
    await pipeline(readFrom(relative), hash);
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
  return hash.digest("hex");
}

/** Raise unless files can be written. */
export const storageAnswers = () => access(storageDir(), constants.R_OK | constants.W_OK);

/** Remove what an instance that was killed left in `incoming/` long ago. */
export async function sweepIncoming() {
  const names = await readdir(absolute(INCOMING)).catch(() => []);
  for (const name of names) {
    const found = await stat(path.join(absolute(INCOMING), name)).catch(() => null);
    if (found && Date.now() - found.mtimeMs > LEFT_BEHIND_MS) await discard(path.join(INCOMING, name));
  }
}
