"""Whether the answer to a write, and what is stored, agree: after whatever cut it in its middle."""

from collections.abc import Awaitable, Callable, Sequence

from chaos.drills.cut_writes.writes import KeyedWrite, Write
from harness.client import Answer, NoAnswer
from harness.errors import CheckFailed
from harness.expect import SERVER_ERROR, expect
from harness.waiting import wait_until

GRACE_S = 2.0
"""Beyond a key's lease: an answer may take its time on a loaded machine."""

_REFUSED = 400
_NOT_DECIDED = frozenset({408, 425, 429})
"""Refusals that ask to come back; 409 beside these where the key is in flight."""

KEY_WITH_RECORD = "half-written.key-with-record"
_REPLAYED = "x-idempotency-replayed"


async def outcome_of(sending: Awaitable[Answer | None]) -> Answer | None:
    """Give the answer, None where the client got none."""
    try:
        return await sending
    except NoAnswer:
        return None


async def expect_agreement(write: Write, outcome: Answer | None, harm: str) -> None:
    """Fail unless what is stored is what the answer said, whole, and no more than once.

    What was acknowledged is there, what was refused is not, what got a 5xx or no answer is there
    once or not at all. A key belongs to its record: where there is a record, another request under
    the key is refused, and the same request gives that record; else it makes the one.
    """
    found = await write.records()
    _expect_once(write, found, harm)
    if outcome is not None:
        _expect_as_answered(write, outcome, found, harm)
    await write.expect_whole(found)
    if isinstance(write, KeyedWrite) and write.key is not None:
        await _expect_key_with_record(write, found, harm)


def _expect_once(write: Write, found: Sequence[str], harm: str) -> None:
    expect(
        len(found) <= 1,
        expected=f"one {write.operation_id} to have one effect at most; {harm}",
        got=f"{len(found)}: {', '.join(found[:4])}",
        rule="half-written.once",
        subject=write.operation_id,
    )


def _expect_as_answered(write: Write, outcome: Answer, found: Sequence[str], harm: str) -> None:
    if outcome.status < _REFUSED:
        expect(
            found,
            expected=f"what {write.operation_id} acknowledged to be there; {harm}",
            got=f"nothing, after {outcome.describe()}",
            rule="half-written.acknowledged-kept",
            subject=write.operation_id,
        )
        return
    if outcome.status >= SERVER_ERROR or outcome.status in _NOT_DECIDED or is_in_flight(outcome):
        return
    expect(
        not found,
        expected=f"a {write.operation_id} that was refused to have no effect; {harm}",
        got=f"{', '.join(found)} is there, after {outcome.describe()}",
        rule="half-written.refused-not-done",
        subject=write.operation_id,
    )


async def _expect_key_with_record(write: KeyedWrite, found: Sequence[str], harm: str) -> None:
    if found:
        other = await decided(write, write.send_other)
        refused = other.meant_as(422, codes=("idempotency_key_reused",))
        expect(
            refused.is_a(422),
            expected=f"the key of a record that is stored to be refused to another "
            f"{write.operation_id}; {harm}",
            got=other.describe(),
            rule=KEY_WITH_RECORD,
            subject=write.operation_id,
        )
        await write.settle(found)
    again = await decided(write, write.send)
    expect(
        again.status < _REFUSED,
        expected=f"the same {write.operation_id} under its key to be answered with its record, or "
        f"to make it; {harm}",
        got=again.describe(),
        rule=KEY_WITH_RECORD,
        subject=write.operation_id,
    )
    now = await write.records()
    _expect_once(write, now, f"{harm}, and the same request was sent again")
    same = [str(again.data["id"])]
    expect(
        list(now) == same and (not found or list(found) == same),
        expected=f"the same {write.operation_id} under its key to give the one record that is "
        f"stored ({', '.join(found) or 'none was before'}); {harm}",
        got=f"{', '.join(now) or 'nothing'} is stored, after {again.describe()}",
        rule=KEY_WITH_RECORD,
        subject=write.operation_id,
    )
    await write.expect_whole(now)
    if found and not again.lacks_header(_REPLAYED):
        expect(
            again.flag(_REPLAYED),
            expected=f"the same {write.operation_id} under its key to be answered as a repetition "
            f"of what is stored, with X-Idempotency-Replayed; {harm}",
            got=again.describe(),
            rule=KEY_WITH_RECORD,
            subject=write.operation_id,
        )


async def decided(
    write: Write, send: Callable[[int | None], Awaitable[Answer]], instance: int | None = None
) -> Answer:
    """Send until the key is not in flight any more; give the answer after that.

    `CheckFailed` when it stays so for longer than the lease that the target declares.
    """
    lease_s = write.org.client.key_lease_s

    async def is_decided() -> Answer | None:
        answer = await send(write.reads_at if instance is None else instance)
        return None if is_in_flight(answer) else answer

    def still(waited: str) -> CheckFailed:
        return CheckFailed(
            expected=f"the key of {write.operation_id} free within its lease of {lease_s:g} s "
            "([limits] key_lease_s) after the request that used it was cut off",
            got=f"409, {waited}",
            rule="idempotency.key-released",
            subject=write.operation_id,
        )

    answer = await wait_until(
        is_decided, lease_s + GRACE_S, "another answer than 409", poll_s=0.05, error=still
    )
    assert answer is not None
    return answer


def is_in_flight(answer: Answer) -> bool:
    """Whether a request was refused because another with its key is not done yet (409).

    Where the backend has one word for this and for a reused key, a `Retry-After` tells.
    """
    is_reuse = answer.is_a(422) and "retry-after" not in answer.headers
    return answer.is_a(409) and not is_reuse
