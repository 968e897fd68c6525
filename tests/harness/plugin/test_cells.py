"""Cells: one finding does not end a check, and nothing that was found is lost."""

import asyncio
from pathlib import Path

import pytest

from harness.errors import Absent, CheckFailed, Inconclusive, PreconditionNotMet
from harness.expect import expect, expect_equal
from harness.findings.preconditions import as_subject, precondition
from harness.plugin.cells import MOST_FINDINGS, MOST_SHOWN, Cells, EnoughSeen

HERE = Path(__file__)


def _cells(**more: object) -> Cells:
    return Cells(check_id="own.check", check_path=HERE, **more)  # type: ignore[arg-type]


def test_a_check_goes_on_after_a_finding() -> None:
    cells = _cells()

    async def check() -> None:
        for operation in ("getJob", "listJobs", "createJob"):
            async with cells.of(operation=operation, token="viewer"):
                expect(operation == "listJobs", expected=f"404 from {operation}", got="200")

    asyncio.run(check())
    assert [each.subject for each in cells.findings] == ["getJob, viewer", "createJob, viewer"]
    assert {each.rule for each in cells.findings} == {"own.check"}
    assert {each.aspect for each in cells.findings} == {"# from <operation>"}
    assert all(
        each.where.startswith("tests/harness/plugin/test_cells.py:") for each in cells.findings
    )
    counts = cells.counts()
    assert (counts.looked_at, counts.findings, counts.total) == (1, 2, 3)


def test_what_could_not_be_looked_at_is_counted_with_its_reason() -> None:
    cells = _cells()

    async def check() -> None:
        for number in range(3):
            async with cells.of(number=number):
                raise Inconclusive("no worker")

    asyncio.run(check())
    assert not cells.findings
    assert cells.counts().reasons == (("no worker", 3),)


def test_a_precondition_blocks_unless_it_is_the_checks_own_business() -> None:
    broken: list[str] = []

    async def check(cells: Cells) -> None:
        async with cells.of(operation="createJob"):
            with precondition("job.created"):
                expect(False, expected="201", got="500")

    other = _cells()
    asyncio.run(check(other))
    assert not other.findings
    assert [each.rule for each in other.blocked] == ["job.created"]

    owner = _cells(owns=frozenset({"job.created"}), on_broken=broken.append)
    asyncio.run(check(owner))
    assert [each.rule for each in owner.findings] == ["job.created"]
    assert broken == ["job.created"]


def test_after_a_fault_nothing_is_a_precondition() -> None:
    with pytest.raises(CheckFailed) as caught, as_subject(), precondition("job.created"):
        raise CheckFailed(expected="201", got="500")
    assert not isinstance(caught.value, PreconditionNotMet)


def test_the_first_finding_is_raised_where_only_the_verdict_matters() -> None:
    cells = _cells(stop_at_first=True)

    async def check() -> None:
        async with cells.of(rule="a.rule", operation="getJob"):
            expect_equal(1, 2, "number of jobs")

    with pytest.raises(CheckFailed) as caught:
        asyncio.run(check())
    assert (caught.value.rule, caught.value.subject) == ("a.rule", "getJob")


def test_texts_are_kept_of_some_and_fingerprints_of_all_up_to_a_bound() -> None:
    cells = _cells()

    async def check() -> None:
        for number in range(MOST_FINDINGS + 5):
            async with cells.of(operation="op" + "x" * number):
                expect(False, expected="nothing", got="something")

    with pytest.raises(EnoughSeen):
        asyncio.run(check())
    assert len({each.fingerprint for each in cells.findings}) == MOST_FINDINGS + 1
    assert sum(bool(each.message) for each in cells.findings) == MOST_SHOWN


def test_what_crashes_ends_the_check_and_keeps_what_was_found() -> None:
    cells = _cells()

    async def check() -> None:
        async with cells.of(operation="getJob"):
            expect(False, expected="nothing", got="something")
        async with cells.of(operation="listJobs"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(check())
    assert len(cells.findings) == 1


def test_what_is_declared_absent_takes_a_cell_away_and_leaves_the_others() -> None:
    cells = _cells(stop_at_first=True)

    async def check() -> None:
        for operation in ("getJob", "metrics", "health"):
            async with cells.of(operation=operation):
                if operation != "getJob":
                    raise Absent(operation)

    asyncio.run(check())
    counts = cells.counts()
    assert (counts.looked_at, counts.absent, counts.not_looked_at) == (1, 2, 0)
    assert dict(counts.absent_names) == {"metrics": 1, "health": 1}
    assert (counts.judged, counts.total) == (1, 3)
