"""What the contract says that a request about somebody's own, foreign or absent things answers."""

from collections.abc import Sequence

from contracts.shared.tenants.operations import READ_ONLY_POSTS, IdSlot
from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.requests.personas import Persona
from contracts.tenancy.requests.request_shapes import PreparedRequest, RequestShape
from harness.client import Answer
from harness.expect import expect, expect_equal, expect_status

MAX_NAMED = 6
VERDICTS = ("manifest_valid", "export_match", "ledger_match")


def expect_status_in(answer: Answer, statuses: frozenset[int], what: str) -> None:
    """Fail unless the answer has one of these statuses, which may be many."""
    if len(statuses) <= MAX_NAMED:
        expect_status(answer, *sorted(statuses), detail=what)
    expect(
        answer.status in statuses,
        expected=f"{min(statuses)} to {max(statuses)} from {answer.operation_id}",
        got=answer.describe(),
        detail=what,
    )


def expect_refused(answer: Answer, persona: Persona, what: str) -> None:
    """Fail unless somebody who must not get in is turned away as the contract says."""
    assert persona.refused is not None
    expect_status(answer, persona.refused, detail=f"{what}, asked by: {persona.name}")
    if persona.refused == 401:
        expect_challenge(answer, f"{what}, asked by: {persona.name}")


def expect_challenge(answer: Answer, detail: str) -> None:
    """Fail unless a 401 says how to do better (RFC 9110, section 11.6.1)."""
    challenges = answer.headers.get("www-authenticate", "")
    expect(
        challenges.lower().split(",")[0].split()[:1] == ["bearer"],
        expected="WWW-Authenticate: Bearer with a 401",
        got=f"{challenges!r} in {answer.describe()}",
        detail=detail,
    )


def expect_own(answer: Answer, shape: RequestShape, persona: Persona) -> None:
    """Fail unless what is somebody's own is there for whoever may do this, and only for them.

    A state that does not allow it (409) still says that the thing is there.
    """
    operation = shape.operation
    detail = f"{shape}, asked by the {persona.name} of the organization that it belongs to"
    if persona.is_read_only and operation.writes:
        expect_status(answer, 403, detail=detail)
    elif persona.is_read_only and operation.id in READ_ONLY_POSTS and answer.status == 403:
        return  # it writes nothing; a backend that goes by the method is within the contract
    elif operation.writes and answer.status == 409:
        return
    else:
        expect(
            200 <= answer.status < 300,
            expected=f"2xx from {operation.id}",
            got=answer.describe(),
            detail=detail,
        )


def expect_absent(
    answer: Answer, shape: RequestShape, asked: Sequence[IdSlot], who: Persona
) -> None:
    """Fail unless a request about what the organization does not have answers that it is not there.

    `asked` are the slots that hold what it does not have.
    """
    detail = f"{shape} with {_named(asked)} of nothing that the organization of the {who.name} has"
    is_post = shape.operation.writes or shape.operation.id in READ_ONLY_POSTS
    if any(slot.place != "query" and slot.kind != "manifest" for slot in asked):
        refused = (403,) if who.is_read_only and is_post else ()
        expect_status(answer, 404, *refused, detail=detail)
        return
    expect(
        answer.status < 500,
        expected=f"no error of the server from {shape.operation.id}",
        got=answer.describe(),
        detail=detail,
    )
    if not 200 <= answer.status < 300:
        return
    if shape.operation.lists:
        expect_equal(answer.items, [], f"the items of {shape}", detail=detail)
    elif any(slot.kind == "manifest" for slot in asked):
        for name in VERDICTS:
            expect(
                answer.data[name] is not True,
                expected=f"{name}: false for a manifest of another organization, or of none",
                got=answer.describe(),
                detail=detail,
            )


def expect_malformed(answer: Answer, shape: RequestShape, asked: Sequence[IdSlot]) -> None:
    """Fail unless what is no id at all is refused; a filter that no id can match may be empty."""
    detail = f"{shape} with {_named(asked)} that is no id at all"
    lowest = 200 if all(slot.place == "query" for slot in asked) else 400
    expect(
        lowest <= answer.status < 500,
        expected=f"4xx from {shape.operation.id}",
        got=answer.describe(),
        detail=detail,
    )
    if answer.status < 300:
        expect_equal(answer.items, [], f"the items of {shape}", detail=detail)


def expect_no_leak(
    owner: PopulatedTenant, request: PreparedRequest, answer: Answer, *, what: str = ""
) -> None:
    """Fail when an answer to a stranger tells what the request did not tell itself."""
    heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
    for mark in owner.markers:
        if (mark in answer.body or mark in heads) and not request.holds(mark):
            expect(
                False,
                expected=f"nothing of organization {owner.org.id} told to another one",
                got=f"{mark.decode('utf-8', 'replace')!r} in {answer.describe()}",
                detail=what,
            )


def _named(slots: Sequence[IdSlot]) -> str:
    return " and ".join(slot.name for slot in slots)
