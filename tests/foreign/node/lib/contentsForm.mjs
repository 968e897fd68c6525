// The exchange format of contents, version 1.0, and where two of them differ.

import { isObject, isUuid } from "./values.mjs";

const SHA256 = /^[0-9a-f]{64}$/;
const MOST_DIFFERENCES = 500; // an answer is read by people

const count = (value) => Number.isSafeInteger(value) && value >= 0;
const text = (value) => typeof value === "string" && value !== "";
const digest = (value) => typeof value === "string" && SHA256.test(value);

const FILE = {
  name: text,
  type: text,
  size: count,
  sha256: digest,
  evidence_id: (value) => value === null || isUuid(value),
};
const HEAD = { ledger_seq: count, hash: digest };
const MEMBERS = {
  version: (value) => value === "1.0",
  export_id: isUuid,
  organization_id: isUuid,
  job_id: isUuid,
  generated_at: (value) => text(value) && !Number.isNaN(Date.parse(value)),
  filters: isObject,
  files: (value) => Array.isArray(value) && value.every((each) => hasForm(each, FILE)),
  ledger_head: (value) => hasForm(value, HEAD),
};

function hasForm(value, members) {
  if (!isObject(value)) return false;
  const names = Object.keys(members);
  return (
    Object.keys(value).length === names.length &&
    names.every((name) => Object.hasOwn(value, name) && members[name](value[name]))
  );
}

/** Whether contents have the form, and are of that tenant. */
export const wellFormed = (contents, tenant) =>
  hasForm(contents, MEMBERS) && contents.organization_id === tenant;

/** Every place where two JSON values differ: [{path: JSON pointer, expected, got}]. */
export function differences(expected, got, path = "", found = []) {
  if (found.length >= MOST_DIFFERENCES || Object.is(expected, got)) return found;
  const alike =
    (isObject(expected) && isObject(got)) || (Array.isArray(expected) && Array.isArray(got));
  if (!alike) {
    // `0` and `-0` are the same number in canonical JSON.
    if (expected !== got) found.push({ path, expected: expected ?? null, got: got ?? null });
    return found;
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
    const inner = `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const [before, now] = [own(expected, key), own(got, key)];
    differences(before, now, inner, found);
  }
  return found;
}

// A member that is missing is not one that is null, and `constructor` is no member at all.
const own = (value, key) => (Object.hasOwn(value, key) ? value[key] : undefined);
