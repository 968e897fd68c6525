// JSON bodies, bounded.

import { defect } from "../defects.mjs";
import { invalid, malformed, Refusal } from "./refusal.mjs";
import { isObject } from "./values.mjs";

const MAX_JSON_BYTES = 4 * 1024 * 1024; // contents of a package with some ten thousand documents

/** The JSON object in a request's body. Raises 400, 413 or 415. */
export async function jsonOf(request) {
  const type = (request.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
  if (type !== "application/json") {
    throw new Refusal(415, "UNSUPPORTED_BODY", "The body must be application/json.");
  }
  const value = parsed(await bytesOf(request));
  if (!isObject(value)) throw invalid("", "must be a JSON object");
  return value;
}

async function bytesOf(request) {
  request.beforeBody?.();
  const chunks = [];
  let length = 0;
  // Not `for await` with a throw inside: leaving that loop destroys the request, answer and all.
  await new Promise((resolve, reject) => {
    request.on("data", (chunk) => {
      chunks.push(chunk);
      if ((length += chunk.length) > MAX_JSON_BYTES) {
        chunks.length = 0;
        request.removeAllListeners("data");
        reject(new Refusal(413, "TOO_LARGE", `A body may have ${MAX_JSON_BYTES} bytes, no more.`));
      }
    });
    request.on("end", resolve);
    request.on("close", () => reject(malformed("The body was cut off.")));
  });
  return Buffer.concat(chunks);
}

function parsed(bytes) {
  if (defect("junk-is-500")) return JSON.parse(bytes.toString());
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw malformed("The body is not JSON in UTF-8.");
  }
}
