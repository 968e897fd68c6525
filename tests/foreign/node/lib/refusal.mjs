// What the service says no with. Everything that is refused on purpose is a Refusal; whatever else
// reaches the outermost handler is either an outage (503) or a mistake of ours (500).

export class Refusal extends Error {
  constructor(status, code, message, { fields = [], headers = {} } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.headers = headers;
  }
}

const RETRYABLE = new Set(["KEY_IN_FLIGHT", "UNAVAILABLE"]);

export function errorBody(refusal, correlationId) {
  return {
    error: {
      code: refusal.code,
      message: refusal.message,
      fields: refusal.fields,
      retryable: RETRYABLE.has(refusal.code),
      correlationId,
    },
  };
}

// One sentence for what does not exist and for what belongs to somebody else: a message that
// named the id, or that differed, would tell a stranger which ids exist.
export const notFound = () => new Refusal(404, "NOT_FOUND", "There is nothing here.");

export const invalid = (field, problem) =>
  new Refusal(400, "INVALID_REQUEST", "The request is not valid.", { fields: [{ field, problem }] });

export const malformed = (problem) => new Refusal(400, "MALFORMED_REQUEST", problem);

export const forbidden = (message) => new Refusal(403, "FORBIDDEN", message);

export const unauthenticated = (message) =>
  new Refusal(401, "UNAUTHENTICATED", message, { headers: { "WWW-Authenticate": "Bearer" } });

export const wrongState = (message) => new Refusal(409, "WRONG_STATE", message);

export const tooLarge = (limit) =>
  new Refusal(413, "TOO_LARGE", `A document may have ${limit} bytes, no more.`);

export const unavailable = () =>
  new Refusal(503, "UNAVAILABLE", "The service cannot answer now.", { headers: { "Retry-After": "1" } });
