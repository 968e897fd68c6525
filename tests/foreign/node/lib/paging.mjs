// Lists: `?after=&size=`, answered with {"results": [...], "nextPage": text or null}.

import { invalid } from "./refusal.mjs";

const LONGEST_PAGE = 100;
const USUAL_PAGE = 50;

/** The page that a query asks for: {after: ordinal, size}. Raises 400. */
export function pageOf(query) {
  const wanted = query.get("size") ?? String(USUAL_PAGE);
  const size = /^\d{1,3}$/.test(wanted) ? Number(wanted) : 0;
  if (size < 1 || size > LONGEST_PAGE) throw invalid("size", `must be 1 to ${LONGEST_PAGE}`);
  return { after: ordinalOf(query.get("after")), size };
}

function ordinalOf(cursor) {
  if (cursor === null) return 0;
  const text = Buffer.from(cursor, "base64url").toString("latin1");
  if (!/^p\d{1,15}$/.test(text)) throw invalid("after", "is no cursor of ours");
  return Number(text.slice(1));
}

const cursorOf = (ordinal) => Buffer.from(`p${ordinal}`, "latin1").toString("base64url");

/** An answer from rows of which one more was asked for than the page holds. */
export function paged(rows, { size }, shown, ordinal = (row) => row.ordinal) {
  const page = rows.slice(0, size);
  const nextPage = rows.length > size ? cursorOf(ordinal(page.at(-1))) : null;
  return { status: 200, whole: { results: page.map(shown), nextPage } };
}
