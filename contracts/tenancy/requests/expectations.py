"""The answers that the contract requires for own, foreign, unknown and malformed ids."""

from collections.abc import Sequence

from contracts.shared.tenants.operations import READ_ONLY_POSTS, IdSlot
from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.requests.personas import Persona
from contracts.tenancy.requests.request_shapes import PreparedRequest, RequestShape
from harness.client import Answer
from harness.expect import expect, expect_equal, expect_status

LOOKS_UNKNOWN = "tenancy.foreign-looks-unknown"
"""The rule that another organization's ID looks like a random one."""

NO_FOREIGN_DATA = "tenancy.no-foreign-data"
"""The rule that no answer has data of another organization."""

MAX_NAMED = 6
VERDICTS = ("manifest_valid", "export_match", "ledger_match")


def expect_status_in(answer: Answer, statuses: frozenset[int], what: str) -> Answer:
    """Fail unless the answer has one of these statuses; many are shown as a range.

    Gives it back, as meant so.
    """
    if len(statuses) <= MAX_NAMED:
        return expect_status(answer, *sorted(statuses), detail=what)
    expect(
        answer.is_a(*statuses),
        expected=f"{min(statuses)} to {max(statuses)} from {answer.operation_id}",
        got=answer.describe(),
        detail=what,
    )
    return answer.meant_as(*statuses)


def expect_refused(answer: Answer, persona: Persona, what: str) -> None:
    """Fail unless a persona without access is refused as the contract says."""
    assert persona.refused is not None
    detail = f"{what}, sent by: {persona.name}"
    statuses = {persona.refused, 401} if persona.or_unknown else {persona.refused}
    expect_status(answer, *sorted(statuses), detail=detail, rule="token.required")
    if answer.status == 401:
        expect_challenge(answer, f"{what}, sent by: {persona.name}")


def expect_challenge(answer: Answer, detail: str) -> None:
    """Fail unless a 401 has a challenge (RFC 9110, section 11.6.1), where the backend has any."""
    if answer.lacks_header("www-authenticate"):
        return
    challenges = answer.headers.get("www-authenticate", "")
    expect(
        challenges.lower().split(",")[0].split()[:1] == ["bearer"],
        expected="WWW-Authenticate: Bearer with a 401",
        got=f"{challenges!r} in {answer.describe()}",
        detail=detail,
        rule="header.www-authenticate",
        subject=answer.operation_id,
    )


def expect_own(answer: Answer, shape: RequestShape, persona: Persona) -> None:
    """Fail unless the owner's personas can do this with an own id, as far as their role allows.

    A 409 is accepted from writes: the thing exists, only its state does not allow the write.
    """
    operation = shape.operation
    detail = f"{shape} with own ids, sent by: {persona.name}"
    if persona.is_read_only and operation.writes:
        expect_status(answer, 403, detail=detail, rule="tenancy.viewer")
    elif persona.is_read_only and operation.id in READ_ONLY_POSTS and answer.is_a(403):
        return  # it reads only; a backend may decide by the method
    elif operation.writes and answer.is_a(409):
        return
    else:
        answer.followed()  # an undeclared redirect may lead to the bytes, or anywhere
        expect(
            200 <= answer.status < 300,
            expected=f"2xx from {operation.id}",
            got=answer.describe(),
            detail=detail,
        )


def expect_absent(
    answer: Answer, shape: RequestShape, asked: Sequence[IdSlot], who: Persona
) -> None:
    """Fail unless ids that the organization does not have are answered as unknown.

    `asked` are the slots with such ids.
    """
    detail = f"{shape} with an unknown {_named(asked)}, sent by: {who.name}"
    is_post = shape.operation.writes or shape.operation.id in READ_ONLY_POSTS
    if any(slot.place != "query" and slot.kind != "manifest" for slot in asked):
        # Who may not enter an organization learns nothing by 403, if each one is answered so.
        is_outside = any(slot.kind == "organization" and slot.place == "path" for slot in asked)
        refused = (403,) if is_outside or (who.is_read_only and is_post) else ()
        expect_status(answer, 404, *refused, detail=detail, rule=LOOKS_UNKNOWN)
        return
    expect(
        answer.status < 500,
        expected=f"an answer below 500 from {shape.operation.id}",
        got=answer.describe(),
        detail=detail,
    )
    if not 200 <= answer.status < 300:
        return
    if shape.operation.lists:
        subject, what = shape.operation.id, f"items of {shape}"
        expect_equal(answer.items, [], what, detail=detail, rule=LOOKS_UNKNOWN, subject=subject)
    elif any(slot.kind == "manifest" for slot in asked):
        for name in VERDICTS:
            expect(
                answer.data[name] is not True,
                expected=f"{name}: false for a foreign or unknown manifest",
                got=answer.describe(),
                detail=detail,
                rule=LOOKS_UNKNOWN,
                subject=shape.operation.id,
            )


def expect_malformed(answer: Answer, shape: RequestShape, asked: Sequence[IdSlot]) -> None:
    """Fail unless a malformed id is refused; a malformed filter may also give an empty list."""
    detail = f"{shape} with a malformed {_named(asked)}"
    lowest = 200 if all(slot.place == "query" for slot in asked) else 400
    expect(
        lowest <= answer.status < 500,
        expected=f"4xx from {shape.operation.id}",
        got=answer.describe(),
        detail=detail,
    )
    if answer.status < 300:
        expect_equal(answer.items, [], f"items of {shape}", detail=detail)


def expect_no_leak(
    owner: PopulatedTenant, request: PreparedRequest, answer: Answer, *, what: str = ""
) -> None:
    """Fail if an answer contains data of another organization that the request did not contain."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
    for marker in owner.markers:
        if (marker in answer.body or marker in headers) and not request.contains(marker):
            expect(
                False,
                expected=f"no data of organization {owner.org.id} in an answer to another one",
                got=f"{marker.decode('utf-8', 'replace')!r} in {answer.describe()}",
                detail=what,
                rule=NO_FOREIGN_DATA,
                subject=answer.operation_id,
            )


def _named(slots: Sequence[IdSlot]) -> str:
    return " and ".join(slot.name for slot in slots)
