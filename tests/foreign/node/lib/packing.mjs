// The work on one claimed package.

import path from "node:path";

import { defect } from "../defects.mjs";
import { writeArchive } from "./archive.mjs";
import { breakPackage, finish, giveBack, LeaseLost, renew, startPacking } from "./claiming.mjs";
import { contentsOf } from "./contents.mjs";
import { checksumOf, discard, keep } from "./storage.mjs";

class Damaged extends Error {}
class Leaving extends Error {}

/** Why a worker who has to leave stops what it is at. */
export const leaving = () => new Leaving("the worker leaves");

/**
 * Make the package that `claimed` is a row of, renewing its lease meanwhile. `signal` ends it early:
 * the package is given back then. Whatever goes wrong otherwise is as if the worker had died: the
 * lease ends, and after that the package is tried again.
 */
export async function pack(pool, claimed, { leaseSeconds, renewSeconds }, signal) {
  const lost = new AbortController();
  const both = AbortSignal.any([signal, lost.signal]);
  const renewing = setInterval(() => {
    renew(pool, claimed, leaseSeconds).catch((error) => {
      if (error instanceof LeaseLost) lost.abort(error); // no answer is no reason to stop: fenced
    });
  }, renewSeconds * 1000);
  try {
    await make(pool, claimed, both);
  } catch (error) {
    await settle(pool, claimed, signal.aborted ? signal.reason : error);
  } finally {
    clearInterval(renewing);
  }
}

/** What a promise gives, unless `signal` ends the wait for it. */
async function unlessAborted(signal, promise) {
  signal.throwIfAborted();
  const aborted = new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([promise, aborted]);
}

async function make(pool, claimed, signal) {
  const contents = await unlessAborted(signal, contentsOf(pool, claimed));
  for (const each of contents.documents) {
    signal.throwIfAborted();
    const found = await checksumOf(each.stored_at);
    if (found !== each.checksum) throw new Damaged(`document ${each.id} is not what was filed`);
  }
  await startPacking(pool, claimed);
  const archive = await writeArchive(contents, signal);
  try {
    signal.throwIfAborted();
    const storedAt = path.join("packages", claimed.tenant, `${claimed.id}.zip`);
    const made = { ...archive, text: contents.text, digest: contents.digest, storedAt };
    await finish(pool, claimed, made, () => keep(archive.incoming, storedAt));
  } finally {
    await discard(archive.incoming);
  }
}

const isSettled = (error) => error instanceof Leaving || error instanceof Damaged;

async function settle(pool, claimed, error) {
  if (error instanceof LeaseLost) return defect("lost-slot-leaks") ? new Promise(() => {}) : undefined;
  process.stderr.write(`package ${claimed.id}, try ${claimed.tries}: ${error.stack}\n`);
  try {
    if (error instanceof Leaving) await giveBack(pool, claimed);
    if (error instanceof Damaged) await breakPackage(pool, claimed, "DOCUMENT_DAMAGED", error.message);
    if (defect("failed-keeps-its-slot") && !isSettled(error)) await new Promise(() => {});
  } catch (fault) {
    process.stderr.write(`package ${claimed.id} is left to its lease: ${fault.message}\n`);
  }
}
