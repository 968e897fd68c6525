// The HTTP service. Instances share the database and the storage directory, and nothing else.

import { checkEntry, getEntry, listEntries } from "./lib/audit.mjs";
import { getCase, listCases, openCase } from "./lib/cases.mjs";
import { listenOn, tokens, trailSalt } from "./lib/config.mjs";
import { checkContents } from "./lib/contentsCheck.mjs";
import { openPool } from "./lib/database.mjs";
import { defect } from "./defects.mjs";
import { fileDocument, getDocument, getRaw, listDocuments } from "./lib/documents.mjs";
import { live, ready } from "./lib/health.mjs";
import { serverOf } from "./lib/http.mjs";
import * as packages from "./lib/packages.mjs";

const ROUTES = [
  ["GET", "/health/live", live, { open: true }],
  ["GET", "/health/ready", ready, { open: true }],
  ...(defect("undeclared-health") ? [["GET", "/health", live, { open: true }]] : []),
  ["POST", "/v2/cases", openCase],
  ["GET", "/v2/cases", listCases],
  ["GET", "/v2/cases/:case", getCase],
  ["POST", "/v2/cases/:case/documents", fileDocument],
  ["GET", "/v2/cases/:case/documents", listDocuments],
  ["GET", "/v2/documents/:document", getDocument],
  ["GET", "/v2/documents/:document/raw", getRaw],
  ["POST", "/v2/cases/:case/packages", packages.requestPackage],
  ["GET", "/v2/cases/:case/packages", packages.listPackages],
  ["GET", "/v2/packages/:package", packages.getPackage],
  ["DELETE", "/v2/packages/:package", packages.withdrawPackage],
  ["POST", "/v2/packages/:package/again", packages.packAgain],
  ["GET", "/v2/packages/:package/archive", packages.getArchive],
  ["GET", "/v2/packages/:package/contents", packages.getContents],
  ["POST", "/v2/check/contents", checkContents],
  ["GET", "/v2/audit", listEntries],
  ["GET", "/v2/audit/:entry", getEntry],
  ["GET", "/v2/audit/:entry/check", checkEntry],
];

const POOL_SIZE = 8;
const PATIENCE_MS = 8000; // with requests that are under way when the service is told to end

tokens(); // a secret that is missing ends the process now, not at the first request
trailSalt();
const pool = openPool(POOL_SIZE);
const server = serverOf(ROUTES, pool);
const { host, port } = listenOn();
server.listen(port, host, () => process.stdout.write(`listening on ${host}:${port}\n`));

function end() {
  if (!server.listening) return;
  if (defect("stop-closes-connections")) server.closeAllConnections();
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const patience = setTimeout(() => server.closeAllConnections(), PATIENCE_MS);
  server.close(async () => {
    clearInterval(idle);
    clearTimeout(patience);
    await pool.end();
  });
}
process.on("SIGTERM", end);
process.on("SIGINT", end);
