// The mistakes this backend can be told to make, one or several: FOREIGN_DEFECT=<id>,<id>. Code asks
// `defect("id")` where it would go wrong. `node defects.mjs` lists them as JSON.

import { pathToFileURL } from "node:url";

const DEFECTS = {
  "key-without-tenant": {
    title: "A request key is looked up without its tenant",
    source: "CWE-639: authorization by a key that the user chooses",
    expected: ["idempotency.scoped-to-org"],
  },
  "key-reuse-accepted": {
    title: "A known key answers with the old record, whatever the request says now",
    source: "draft-ietf-httpapi-idempotency-key-header, section 2.7, left out",
    expected: ["idempotency.key-reuse"],
  },
  "keys-in-memory": {
    title: "Request keys are remembered by the instance that saw them",
    source: "a cache that was right for one instance",
    expected: ["idempotency.across-instances"],
  },
  "lost-commit-discards": {
    title: "A document is discarded when COMMIT got no answer, though its record may stand",
    source: "a catch around a transaction that takes every error for a rollback",
    expected: ["chaos.half-written"],
  },
  "stop-closes-connections": {
    title: "SIGTERM closes all connections, those with a request under way among them",
    source: "server.closeAllConnections() as the answer to a shutdown that takes too long",
    expected: ["chaos.api-kill"],
  },
  "dedup-race": {
    title: "Equal documents are looked for before the insert, and nothing else keeps them apart",
    source: "CWE-367: time of check, time of use",
    expected: ["upload.sha-dedup", "instances.no-duplicates", "idempotency.concurrent-same-key"],
  },
  "foreign-raw": {
    title: "A document's bytes are served to any tenant that knows its id",
    source: "OWASP API1:2023, broken object level authorization",
    expected: ["tenancy.matrix"],
  },
  "foreign-case-upload": {
    title: "A document can be filed in another tenant's case",
    source: "OWASP API1:2023, broken object level authorization",
    expected: ["tenancy.matrix"],
  },
  "cursor-forgets-tenant": {
    title: "The second page of the cases lists everybody's",
    source: "OWASP API1:2023: a query written twice, once without its WHERE",
    expected: ["tenancy.lists"],
  },
  "reader-withdraws": {
    title: "A reader may withdraw a package",
    source: "OWASP API5:2023, broken function level authorization",
    expected: ["tenancy.viewer"],
  },
  "expired-token": {
    title: "A token's expiry is not looked at",
    source: "CWE-613: insufficient session expiration",
    expected: ["tenancy.tokens"],
  },
  "profile-tenant": {
    title: "A tenant in the profile, which users edit themselves, wins over the token's own",
    source: "CWE-639: authorization by a key that the user chooses",
    expected: ["tenancy.user-metadata"],
  },
  "size-by-header-only": {
    title: "The size limit looks at Content-Length alone: what is sent in chunks has none",
    source: "CWE-770: allocation without limits",
    expected: ["upload.size-streamed"],
  },
  "magic-ignored": {
    title: "A document is believed to be what it says it is",
    source: "CWE-434: unrestricted upload of dangerous types",
    expected: ["upload.content-mismatch"],
  },
  "refused-stays-stored": {
    title: "A document that is refused for its content stays in the storage",
    source: "CWE-459: incomplete cleanup",
    expected: ["upload.refused-leaves-nothing"],
  },
  "name-in-path": {
    title: "A document is stored under the name that its client gave it",
    source: "CWE-22: path traversal",
    expected: ["upload.filename-traversal"],
  },
  "trail-forks": {
    title: "Entries of the audit trail are appended without a lock",
    source: "CWE-362: race condition",
    expected: ["hash.no-fork"],
  },
  "previous-unchecked": {
    title: "The check of the trail never compares an entry with the one before it",
    source: "CWE-354: improper validation of an integrity check value",
    expected: ["hash.tamper"],
  },
  "trail-local-time": {
    title: "A digest covers the time as the session writes it",
    source: "timestamptz::text depends on TimeZone",
    expected: ["hash.timezone", "hash.database-parity"],
  },
  "contents-not-canonical": {
    title: "The contents' digest is taken over whatever order the program wrote them in",
    source: "RFC 8785, not applied",
    expected: ["manifest.stored", "manifest.submitted", "golden.manifest"],
  },
  "archive-wrong-file": {
    title: "Every document in an archive has the bytes of the first one",
    source: "a variable captured by a closure",
    expected: ["manifest.files-match", "golden.export-download"],
  },
  "claim-unguarded": {
    title: "A claim takes the package it had seen waiting, waiting still or not",
    source: "CWE-367: time of check, time of use",
    expected: ["claim.exactly-once", "load.exactly-once"],
  },
  "place-among-all": {
    title: "A package's place in the queue counts those of other tenants",
    source: "a number that tells how busy others are",
    expected: ["claim.oldest-first"],
  },
  "cap-by-candidates": {
    title: "A tenant's running packages are counted when candidates are looked for, and not again",
    source: "CWE-367: time of check, time of use",
    expected: ["claim.per-org-cap"],
  },
  "stale-lease-finishes": {
    title: "A worker finishes a package whose lease it has lost",
    source: "a lock service without fencing tokens",
    expected: ["chaos.worker-pause-zombie"],
  },
  "renewal-without-lease": {
    title: "A lease is renewed by its package's id: one who has lost it makes its successor's last",
    source: "lion-reader #917: a heartbeat without a token",
    expected: ["chaos.lease-lost"],
  },
  "renewals-add-up": {
    title: "Each renewal makes a lease longer by its whole length, from its end and not from now",
    source: "lease_until = lease_until + interval",
    expected: ["chaos.heartbeat-holds"],
  },
  "lost-slot-leaks": {
    title: "A slot is free again when its package is done, and never when its lease was lost",
    source: "a semaphore that is released on success only",
    expected: ["chaos.lease-lost"],
  },
  "start-takes-back-its-name": {
    title: "A worker that starts takes back what is claimed in its name, however young the lease",
    source: "a name taken for an identity: start-up clean-up by host name",
    expected: ["chaos.same-name"],
  },
  "claimed-again-skipped": {
    title: "A worker skips a package that it has claimed before: it must be at it already",
    source: "a guard against double work that knows ids and no claims",
    expected: ["chaos.second-attempt"],
  },
  "outage-ends-the-worker": {
    title: "The first error of the database ends the worker",
    source: "a rejection that nobody handles",
    expected: ["chaos.database-restart"],
  },
  "rests-when-idle": {
    title: "A worker that found nothing to do looks again after ten seconds",
    source: "a back-off that was meant for errors",
    expected: ["chaos.wake-up"],
  },
  "again-grants-nothing": {
    title: "A package that is asked for again has no tries left",
    source: "a counter that nobody resets",
    expected: ["contract.stateful"],
  },
  "stale-cache": {
    title: "Each instance remembers packages it has shown, for ten seconds",
    source: "a cache that was right for one instance",
    expected: ["instances.read-your-writes"],
  },
  "junk-is-500": {
    title: "JSON that cannot be parsed is an internal error",
    source: "an exception that nobody catches",
    expected: ["contract.fuzz", "contract.problem-details"],
  },
  "sweep-once": {
    title: "A worker takes back what others have dropped only when it starts",
    source: "recovery as a step of start-up",
    expected: ["chaos.all-workers"],
  },
  "sweep-waits": {
    title: "The sweep does not lock what it finds: it waits for others, and takes back what they have ended",
    source: "READ COMMITTED looks again at the row, not at the search that found it",
    expected: ["chaos.recovery-fair"],
  },
  "sweep-takes-one": {
    title: "Each sweep takes back one package: a hundred of a dead fleet wait for a hundred sweeps",
    source: "LIMIT 1, copied from the claim",
    expected: ["chaos.recovery-fair"],
  },
  "sweep-looks-ahead": {
    title: "A sweep looks only at packages that are younger than those which were taken back before",
    source: "a cursor that is never set back",
    expected: ["chaos.recovery-fair"],
  },
  "sweep-spares-the-living": {
    title: "Nothing is taken back from a worker that is connected, whatever became of its lease",
    source: "pg_stat_activity asked in the place of a lease",
    expected: ["chaos.poison"],
  },
  "failed-keeps-its-slot": {
    title: "A slot stays taken when the work on its package fails",
    source: "a semaphore that is released on success only",
    expected: ["chaos.poison"],
  },
  "withdraw-unguarded": {
    title: "A package is withdrawn that was seen to be live, though it was finished meanwhile",
    source: "CWE-367: time of check, time of use",
    expected: ["chaos.half-written"],
  },
  "again-adds-tries": {
    title: "A package that is asked for again gets its tries on top of those that were left",
    source: "a sum in the place of what was used and what is granted",
    expected: ["chaos.poison"],
  },
  "archive-in-transaction": {
    title: "An archive is sent inside of the transaction in which its package was found",
    source: "one transaction a request, and an answer that is streamed",
    expected: ["chaos.slow-readers"],
  },
  "answer-remembered-later": {
    title: "A key's answer is remembered after the commit of what it did",
    source: "a middleware that saves answers when they have been made",
    expected: ["chaos.half-written"],
  },
  "cut-off-keeps-its-key": {
    title: "A key whose document was cut off is at work for as long as its instance lives",
    source: "a `finally` that begins behind the read",
    expected: ["chaos.half-written"],
  },
  "digest-of-part": {
    title: "Repr-Digest of a partial answer is the digest of the part",
    source: "RFC 9530, Content-Digest mistaken for Repr-Digest",
    expected: ["upload.content-fidelity"],
  },
  "location-nowhere": {
    title: "Location of a new document leads to a path that does not exist",
    source: "a route that was renamed in one place",
    expected: ["golden.upload", "contract.stateful"],
  },
  "undeclared-health": {
    title: "There is a /health after all, which the target file declares absent",
    source: "a target file that was not kept up to date",
    expected: ["contract.declared-absent"],
  },
};

const chosen = (process.env.FOREIGN_DEFECT || "").split(",").filter(Boolean);
for (const id of chosen.filter((each) => !Object.hasOwn(DEFECTS, each))) {
  // A misspelt defect would be a clean backend, and a test of it would prove the wrong thing.
  process.stderr.write(`FOREIGN_DEFECT: ${id} is none of: ${Object.keys(DEFECTS).join(", ")}\n`);
  process.exit(2);
}

/** Whether this process is to make that mistake. */
export function defect(id) {
  if (!Object.hasOwn(DEFECTS, id)) throw new Error(`the code asks for an unknown defect, ${id}`);
  return chosen.includes(id);
}

function listed() {
  return Object.entries(DEFECTS).map(([id, { title, source, expected }]) => ({
    id,
    title,
    family: expected[0].split(".")[0],
    source,
    expected,
  }));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`${JSON.stringify(listed(), null, 2)}\n`);
}
