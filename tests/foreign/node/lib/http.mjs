// Requests in, answers out: routes, the envelope, and what an error looks like. Handlers get
// {request, params, query, caller, pool} and return {status?, result | whole | bytes, headers?}, or
// null where they have written the answer themselves.

import { randomUUID } from "node:crypto";
import http from "node:http";

import { isOutage } from "./database.mjs";
import { errorBody, malformed, notFound, Refusal, unavailable } from "./refusal.mjs";
import { callerOf } from "./tokens.mjs";

const SANE_ID = /^[A-Za-z0-9._-]{1,128}$/;
const LINGER_MS = 2000;
const LINGER_BYTES = 64 * 1024 * 1024;

/** Routes are [method, "/path/:param", handler, {open?}]; `open` ones ask nobody who they are. */
export function serverOf(routes, pool) {
  const compiled = routes.map(([method, template, handler, options = {}]) => ({
    method,
    pattern: new RegExp(`^${template.replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`),
    handler,
    open: options.open ?? false,
  }));
  const server = http.createServer();
  const serve = (request, response) => answer(compiled, pool, request, response);
  server.on("request", serve);
  // Without this Node says "100 Continue" before anybody has looked at the request.
  server.on("checkContinue", (request, response) => {
    request.beforeBody = () => response.writeContinue();
    serve(request, response);
  });
  server.on("clientError", refuseWhatIsNotHttp);
  server.keepAliveTimeout = 75_000; // longer than clients keep theirs, so that they end it
  return server;
}

async function answer(routes, pool, request, response) {
  const asked = request.headers["x-correlation-id"] ?? "";
  const correlationId = SANE_ID.test(asked) ? asked : randomUUID();
  response.setHeader("X-Correlation-Id", correlationId);
  request.on("error", () => {}); // a client that goes away has nobody to tell
  response.on("error", () => {});
  try {
    const reply = await replyTo(routes, pool, request, response);
    if (reply) send(request, response, reply);
  } catch (error) {
    const refusal = refusalFor(error, correlationId);
    if (response.headersSent) {
      response.destroy(); // cut off: the client must not take half for the whole
      return;
    }
    const whole = errorBody(refusal, correlationId);
    send(request, response, { status: refusal.status, whole, headers: refusal.headers });
  }
}

async function replyTo(routes, pool, request, response) {
  const [path, search = ""] = request.url.split(/\?(.*)/s, 2);
  const here = routes.filter(({ pattern }) => pattern.test(path));
  if (here.length === 0) throw notFound();
  const method = request.method === "HEAD" ? "GET" : request.method;
  const route = here.find((each) => each.method === method);
  if (!route) {
    const methods = here.flatMap((each) => (each.method === "GET" ? ["GET", "HEAD"] : [each.method]));
    const Allow = methods.join(", ");
    throw new Refusal(405, "METHOD_NOT_ALLOWED", `Here is ${Allow}.`, { headers: { Allow } });
  }
  const caller = route.open ? null : callerOf(request);
  const params = decoded(path.match(route.pattern).groups ?? {});
  const query = new URLSearchParams(search);
  return route.handler({ request, response, params, query, caller, pool });
}

function decoded(groups) {
  try {
    return Object.fromEntries(Object.entries(groups).map(([k, v]) => [k, decodeURIComponent(v)]));
  } catch {
    throw notFound(); // a path that is no UTF-8 leads nowhere
  }
}

function refusalFor(error, correlationId) {
  if (error instanceof Refusal) return error;
  if (error.code === "ECONNRESET" && error.message === "aborted") return malformed("Cut off.");
  process.stderr.write(`${correlationId}: ${error.stack}\n`);
  if (isOutage(error)) return unavailable();
  // PostgreSQL's class 22: a value of the client's that passed our own rules and is none to it.
  if (/^22[0-9A-Z]{3}$/.test(error.code ?? "")) return malformed("A value is out of range.");
  return new Refusal(500, "INTERNAL", "Something went wrong on our side.");
}

/** Write an answer whole; where the request's body was not read, without cutting its sender off. */
function send(request, response, { status = 200, result, whole, bytes, type, headers = {} }) {
  const body = bytes ?? Buffer.from(JSON.stringify(whole ?? { result }));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader("Content-Type", type ?? "application/json");
  response.setHeader("Content-Length", body.length);
  const unread = !request.complete && status >= 400;
  if (unread) response.setHeader("Connection", "close");
  response.writeHead(status);
  if (!unread || request.method === "HEAD") {
    response.end(body);
    return;
  }
  // Closing while the client still sends resets the connection, and the answer with it. So a little
  // more is read and thrown away; the answer is complete by its length, and can be read meanwhile.
  response.write(body);
  let thrown = 0;
  const end = () => response.end();
  const patience = setTimeout(end, LINGER_MS);
  response.on("close", () => clearTimeout(patience));
  request.on("data", (chunk) => {
    if ((thrown += chunk.length) > LINGER_BYTES) end();
  });
  request.on("end", end);
  request.resume();
}

function refuseWhatIsNotHttp(error, socket) {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === "HPE_HEADER_OVERFLOW" ? "431 Too Large" : "400 Bad Request";
  const body = JSON.stringify(errorBody(malformed("This is not HTTP."), randomUUID()));
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nConnection: close\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
