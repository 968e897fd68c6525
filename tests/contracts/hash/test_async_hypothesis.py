import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import strategies as st

from contracts.hash import json_documents
from contracts.hash.async_hypothesis import for_each_example
from contracts.shared.ledger.canonical_json import jsonb_pretty
from harness.errors import CheckFailed


async def test_the_smallest_failing_example_is_what_is_raised() -> None:
    async def attempt(number: int) -> None:
        await asyncio.sleep(0)
        if number >= 17:
            raise CheckFailed(expected="a number below 17", got=str(number))

    with pytest.raises(CheckFailed) as failure:
        await for_each_example(st.integers(0, 1000), attempt, examples=100, seed=1)
    assert failure.value.got == "17"


async def test_the_same_seed_draws_the_same_examples() -> None:
    async def drawn(seed: int) -> list[int]:
        seen: list[int] = []

        async def attempt(number: int) -> None:
            seen.append(number)

        await for_each_example(st.integers(), attempt, examples=20, seed=seed)
        return seen

    assert await drawn(3) == await drawn(3) != await drawn(4)


async def test_a_failure_that_does_not_come_again_is_still_a_failure() -> None:
    failed = False

    async def attempt(_number: int) -> None:
        nonlocal failed
        if not failed:
            failed = True
            raise CheckFailed(expected="it", got="not it")

    with pytest.raises(CheckFailed, match="not it"):
        await for_each_example(st.integers(), attempt, examples=5, seed=1)


async def test_cancelling_ends_it() -> None:
    tried = 0

    async def attempt(_number: int) -> None:
        nonlocal tried
        tried += 1
        await asyncio.sleep(0.01)

    task = asyncio.create_task(for_each_example(st.integers(), attempt, examples=500, seed=1))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.1)
    so_far = tried
    await asyncio.sleep(0.1)
    assert tried == so_far < 500


async def test_no_tables_of_unicode_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tables of Unicode would be: two seconds to build, and left behind.
    monkeypatch.chdir(tmp_path)
    kinds = set()

    async def attempt(document: str) -> None:
        kinds.add(type(json.loads(document)))
        assert jsonb_pretty(document)

    await for_each_example(json_documents.values(), attempt, examples=200, seed=1)
    assert kinds >= {str, dict, list, float}
    assert not (tmp_path / ".hypothesis" / "unicode_data").exists()


async def test_portable_documents_stay_within_what_every_implementation_holds() -> None:
    async def attempt(document: str) -> None:
        numbers = [json.loads(document)]
        while numbers:
            value = numbers.pop()
            if isinstance(value, dict):
                numbers += value.values()
            elif isinstance(value, list):
                numbers += value
            elif isinstance(value, int | float):
                assert abs(value) <= json_documents.EXACT_INTEGERS

    await for_each_example(json_documents.objects(portable=True), attempt, examples=300, seed=2)
