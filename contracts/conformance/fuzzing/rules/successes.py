"""Rules for the headers, the content type and the body of a success."""

from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from contracts.conformance.breach import Breach
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.rules.media_types import covering
from contracts.conformance.fuzzing.rules.names import RETRY, named
from harness.client import Answer
from harness.untrusted.documents import BadDocument, parse

MOST_SCHEMA_ERRORS = 8
"""Fields of one answer that are reported."""


# Headers that the contract requires, by operation and status.
_RULES_OF_HEADERS = {
    "location": "header.location",
    "retry-after": RETRY,
    "repr-digest": "download.digest",
}
_REQUIRED_HEADERS: dict[tuple[str, int], tuple[str, ...]] = {
    ("createJob", 201): ("location",),
    ("uploadEvidence", 201): ("location",),
    ("requestExport", 202): ("location", "retry-after"),
    ("getEvidenceContent", 200): ("repr-digest", "content-disposition", "x-content-type-options"),
    ("getEvidenceContent", 206): ("repr-digest", "content-disposition", "content-range"),
    ("downloadExport", 200): ("repr-digest",),
    ("downloadExport", 206): ("repr-digest", "content-range"),
}


@dataclass(frozen=True, kw_only=True)
class SuccessRules:
    """Checks successes against one document."""

    document: Document

    def violations(self, operation: ApiOperation, answer: Answer) -> list[Breach]:
        """What is wrong with the headers, content type or body of a success."""
        violations = [
            named(
                _RULES_OF_HEADERS.get(name, "download.headers"), name, f"it has no {name.title()}"
            )
            for name in _REQUIRED_HEADERS.get((operation.id, answer.status), ())
            if not answer.headers.get(name) and not answer.lacks_header(name)
        ]
        status = self.described(operation, answer).status
        media = operation.responses[str(status)].get("content") or {}
        declared = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        described = covering(media, declared)
        if media and answer.method != "HEAD" and described is None:
            what = f"its Content-Type {declared or '(none)'} is not documented"
            return [*violations, named("header.content-type", "success", what)]
        schema = (described or {}).get("schema")
        if schema and declared == "application/json":
            violations += self._body_violations(schema, answer)
        return violations

    def described(self, operation: ApiOperation, answer: Answer) -> Answer:
        """The answer that the document speaks of: a backend's own describes what it sends."""
        is_own = self.document.is_own and str(answer.sent.status) in operation.responses
        return answer.sent if is_own else answer

    def _body_violations(self, schema: dict[str, Any], answer: Answer) -> list[Breach]:
        """What does not fit the schema; a backend's own may be written in either's words."""
        if self.document.is_own and answer.as_sent is not None:
            both = [self._misfits(schema, each) for each in (answer.sent, answer)]
            return min(both, key=len)
        return self._misfits(schema, answer)

    def _misfits(self, schema: dict[str, Any], answer: Answer) -> list[Breach]:
        try:
            body = parse(answer.body, by_value=False)  # the validator takes texts alone
        except BadDocument as error:
            return [named("answer.json", "", f"its body is not JSON ({error})")]
        try:
            errors = islice(
                self.document.validators.answer(schema).iter_errors(body), MOST_SCHEMA_ERRORS
            )
            return [schema_breach(error) for error in errors]
        except ValueError as error:  # nested deeper than the validator goes
            return [named("answer.schema", "depth", f"its body cannot be validated ({error})")]


def schema_breach(error: Any) -> Breach:  # noqa: ANN401 - jsonschema_rs.ValidationError
    """Say which field does not fit the schema, in the schema's words, and how."""
    path = [str(each) for each in error.evaluation_path]
    names = [name for place, name in pairwise(path) if place == "properties"]
    missing = str(getattr(error.kind, "property", "")) if path[-1:] == ["required"] else ""
    names = [*names, missing] if missing else names
    keyword = path[-1] if path else ""
    is_time = bool(names) and names[-1].endswith("_at") and keyword in ("format", "pattern")
    rule = "answer.fields" if missing else "answer.times" if is_time else "answer.schema"
    place = f"/{'/'.join(map(str, error.instance_path))}"
    return Breach(
        rule=rule,
        about=keyword,
        field=".".join(names[1:] if names[:1] == ["data"] and len(names) > 1 else names),
        what=f"its body does not fit the schema at {place}: {error.message:.200}",
    )
