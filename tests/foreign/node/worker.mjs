// A worker: claims packages and makes them, takes back what others have dropped, and on SIGTERM
// finishes what it is at or gives it back.

import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";

import { defect } from "./defects.mjs";
import { claim, recover, takeBackOf } from "./lib/claiming.mjs";
import { listenOn, work } from "./lib/config.mjs";
import { openPool } from "./lib/database.mjs";
import { leaving, pack } from "./lib/packing.mjs";
import { sweepIncoming } from "./lib/storage.mjs";

const settings = work();
const pool = openPool(settings.slots + 2, settings.name);
const stopClaiming = new AbortController();
const stopPacking = new AbortController();
const running = new Set();
const known = new Set();

const log = (what, error) => process.stderr.write(`${what}: ${error.message}\n`);

process.on("SIGTERM", drain);
process.on("SIGINT", drain);

function drain() {
  if (stopClaiming.signal.aborted) return;
  process.stdout.write(`${settings.name} leaves\n`);
  stopClaiming.abort();
  // What cannot be finished is given back while there is time for it; what hangs then is left.
  setTimeout(() => stopPacking.abort(leaving()), settings.drainSeconds * 600).unref();
  setTimeout(() => process.exit(1), settings.drainSeconds * 1000).unref();
}

/** Do something again and again until the worker leaves; an outage ends none of it. */
async function repeat(what, seconds, step) {
  while (!stopClaiming.signal.aborted) {
    await step().catch((error) => {
      if (defect("outage-ends-the-worker")) throw error;
      log(what, error);
    });
    await pause(seconds * 1000, undefined, { signal: stopClaiming.signal }).catch(() => {});
  }
}

/** Whether it was asked before; only a defect asks. */
function isKnown(id) {
  return known.size === known.add(id).size;
}

/** Look for work; after a look that found nothing a worker rests, where that mistake is wanted. */
async function look() {
  const before = running.size;
  await fillSlots();
  if (!defect("rests-when-idle") || running.size > before) return;
  await pause(10_000, undefined, { signal: stopClaiming.signal }).catch(() => {});
}

async function fillSlots() {
  while (running.size < settings.slots && !stopClaiming.signal.aborted) {
    const claimed = await claim(pool, settings);
    if (!claimed) return;
    if (defect("claimed-again-skipped") && isKnown(claimed.id)) continue;
    const packing = pack(pool, claimed, settings, stopPacking.signal);
    running.add(packing);
    packing.finally(() => running.delete(packing));
  }
}

let hasSwept = false;

async function takeBack() {
  if (hasSwept && defect("sweep-once")) return;
  await recover(pool);
  hasSwept = true;
}

// Whoever runs the worker asks here whether it lives; it has nothing else to say over HTTP.
const { host, port } = listenOn();
const health = http.createServer((request, response) => {
  response.writeHead(request.url === "/health/live" ? 200 : 404).end();
});
health.listen(port, host, () => process.stdout.write(`${settings.name} is at work\n`));

if (defect("start-takes-back-its-name")) await takeBackOf(pool, settings.name);

await Promise.all([
  repeat("claiming", settings.pollSeconds, look),
  repeat("taking back", settings.sweepSeconds, takeBack),
  repeat("sweeping", 600, sweepIncoming),
]);
await Promise.allSettled(running);
await pool.end();
health.close();
health.closeAllConnections();
