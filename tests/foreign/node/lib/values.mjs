// What may be a value: ids, texts, JSON that PostgreSQL and every JSON reader take alike.

import { invalid, notFound } from "./refusal.mjs";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAX_DEPTH = 32;

export const isUuid = (value) => typeof value === "string" && UUID.test(value);

/** The id in a path; what cannot be an id is as absent as an id that nobody has. */
export function pathId(value) {
  if (!isUuid(value)) throw notFound();
  return value.toLowerCase();
}

/** A text of at most `longest` characters without NUL; raises 400 naming the field. */
export function textOf(field, value, longest) {
  if (typeof value !== "string") throw invalid(field, "must be a text");
  if (value.trim() === "") throw invalid(field, "must not be empty");
  if (value.length > longest) throw invalid(field, `must have at most ${longest} characters`);
  if (!value.isWellFormed() || value.includes("\0")) throw invalid(field, "holds what is no text");
  return value;
}

/** An RFC 3339 time, or null for none. */
export function timeOf(field, value) {
  if (value === undefined || value === "") return null;
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$/i;
  if (!form.test(value) || Number.isNaN(Date.parse(value))) {
    throw invalid(field, "must be an RFC 3339 time with its offset");
  }
  return value;
}

export const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * What keeps a JSON value from being stored and given back as it is, or null where nothing does:
 * NUL, half a surrogate pair, numbers that double precision does not hold, too much depth.
 */
export function jsonProblem(value, depth = 0) {
  if (depth > MAX_DEPTH) return `is deeper than ${MAX_DEPTH} levels`;
  if (typeof value === "string") {
    return value.includes("\0") || !value.isWellFormed() ? "holds what is no text" : null;
  }
  if (typeof value === "number") {
    const held = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    return held ? null : "holds a number that not every reader understands alike";
  }
  if (typeof value !== "object" || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const problem = jsonProblem(key, depth) ?? jsonProblem(inner, depth + 1);
    if (problem) return problem;
  }
  return null;
}
