// Who asks: a JWT (HS256) with `tenant` and `scope` of its own, and nothing that users can edit.

import jwt from "jsonwebtoken";

import { tokens } from "./config.mjs";
import { defect } from "../defects.mjs";
import { forbidden, unauthenticated } from "./refusal.mjs";
import { isUuid } from "./values.mjs";

const WRITERS = new Set(["admin", "editor"]); // `reader`, and whoever has no scope, only reads

/** The caller of a request: {user, tenant, mayWrite}. Raises 401, or 403 for one without a tenant. */
export function callerOf(request) {
  const [scheme, token, ...more] = (request.headers.authorization ?? "").split(" ");
  if (scheme.toLowerCase() !== "bearer" || !token || more.length > 0) {
    throw unauthenticated("A bearer token is needed.");
  }
  const claims = verified(token);
  const tenant = defect("profile-tenant") ? (claims.profile?.tenant ?? claims.tenant) : claims.tenant;
  if (!isUuid(tenant)) throw forbidden("The token is of no tenant.");
  return { user: claims.sub, tenant: tenant.toLowerCase(), mayWrite: WRITERS.has(claims.scope) };
}

function verified(token) {
  const { secret, audience } = tokens();
  let claims;
  try {
    claims = jwt.verify(token, secret, {
      algorithms: ["HS256"],
      audience,
      ignoreExpiration: defect("expired-token"),
    });
  } catch {
    throw unauthenticated("The token is not valid.");
  }
  // The library takes a token without `exp` as one that never ends, and any JSON as a payload.
  if (typeof claims?.exp !== "number" || typeof claims.sub !== "string" || claims.sub === "") {
    throw unauthenticated("The token is not valid.");
  }
  if (!isStorable(claims.sub)) throw unauthenticated("The token is not valid.");
  return claims;
}

const isStorable = (text) => text.length <= 255 && text.isWellFormed() && !text.includes("\0");

export function mustWrite(caller) {
  if (!caller.mayWrite) throw forbidden("This token may read only.");
}
