"""What an answer says, beside what is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from chaos.drills.cut_writes.agreement import expect_agreement
from chaos.drills.cut_writes.writes import KeyedWrite, Write
from harness.client import Answer, Organization
from harness.errors import CheckFailed


def answer(status: int, body: bytes = b"{}", **headers: str) -> Answer:
    return Answer(
        operation_id="createJob",
        method="POST",
        path="/",
        instance=0,
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body,
        elapsed_s=0.0,
    )


@dataclass
class FakeClient:
    key_lease_s: float = 0.0


@dataclass
class FakeOrganization:
    client: FakeClient = field(default_factory=FakeClient)


ORG = cast("Organization", FakeOrganization())


@dataclass(frozen=True, kw_only=True)
class Stored(Write):
    """A write that has these records."""

    found: Sequence[str]

    operation_id = "createJob"

    async def send(self, instance: int | None = None) -> Answer:
        raise AssertionError("a write without a key is not sent again")

    async def records(self) -> Sequence[str]:
        return self.found

    async def expect_whole(self, records: Sequence[str]) -> None:
        return


@dataclass(frozen=True, kw_only=True)
class Keyed(KeyedWrite):
    """A write with a key, and what it finds, before and after it is sent again."""

    before: Sequence[str]
    again: Answer
    after: Sequence[str]
    other: Answer = field(default_factory=lambda: answer(422))
    looks: list[int] = field(default_factory=list)

    operation_id = "uploadEvidence"

    async def send(self, instance: int | None = None) -> Answer:
        return self.again

    async def send_other(self, instance: int | None = None) -> Answer:
        return self.other

    async def records(self) -> Sequence[str]:
        self.looks.append(1)
        return self.before if len(self.looks) == 1 else self.after

    async def expect_whole(self, records: Sequence[str]) -> None:
        return


GIVES_A = answer(201, b'{"data": {"id": "a"}}', x_idempotency_replayed="true")
MAKES_A = answer(201, b'{"data": {"id": "a"}}')


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (answer(201), ["a"]),
        (answer(404), []),
        (answer(503), []),
        (answer(503), ["a"]),
        (None, []),
        (None, ["a"]),
    ],
)
async def test_answers_that_agree(outcome: Answer | None, found: Sequence[str]) -> None:
    await expect_agreement(Stored(org=ORG, reads_at=0, found=found), outcome, "it was cut")


@pytest.mark.parametrize(
    ("outcome", "found", "rule"),
    [
        (answer(201), [], "half-written.acknowledged-kept"),
        (answer(404), ["a"], "half-written.refused-not-done"),
        (answer(503), ["a", "b"], "half-written.once"),
        (None, ["a", "b"], "half-written.once"),
    ],
)
async def test_answers_that_do_not(outcome: Answer | None, found: Sequence[str], rule: str) -> None:
    with pytest.raises(CheckFailed) as failure:
        await expect_agreement(Stored(org=ORG, reads_at=0, found=found), outcome, "it was cut")
    assert failure.value.rule == rule


@pytest.mark.parametrize(("before", "again"), [([], MAKES_A), (["a"], GIVES_A)])
async def test_a_key_that_gives_the_one_record(before: Sequence[str], again: Answer) -> None:
    write = Keyed(org=ORG, reads_at=0, before=before, again=again, after=["a"])
    await expect_agreement(write, None, "it was cut")


@pytest.mark.parametrize(
    ("before", "again", "after", "other", "rule"),
    [
        (["a"], GIVES_A, ["a"], answer(201), "half-written.key-with-record"),
        (["b"], GIVES_A, ["a"], answer(422), "half-written.key-with-record"),
        (["a"], MAKES_A, ["a"], answer(422), "half-written.key-with-record"),
        ([], answer(500), [], answer(422), "half-written.key-with-record"),
        ([], GIVES_A, ["a", "b"], answer(422), "half-written.once"),
        ([], answer(409), [], answer(422), "idempotency.key-released"),
    ],
)
async def test_a_key_without_its_record(
    before: Sequence[str],
    again: Answer,
    after: Sequence[str],
    other: Answer,
    rule: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chaos.drills.cut_writes.agreement.GRACE_S", 0.0)
    write = Keyed(org=ORG, reads_at=0, before=before, again=again, after=after, other=other)
    with pytest.raises(CheckFailed) as failure:
        await expect_agreement(write, None, "it was cut")
    assert failure.value.rule == rule
