import asyncio

import pytest

from harness.client import together
from harness.errors import CheckFailed


async def test_results_come_in_order() -> None:
    async def after(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    assert await together(map(after, (0.02, 0.0, 0.01))) == [0.02, 0.0, 0.01]
    assert await together([]) == []


async def test_no_more_run_at_once_than_asked_for() -> None:
    running, most = 0, 0

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    await together((work() for _ in range(20)), at_once=3)
    assert most == 3


async def test_the_first_failure_is_raised_plainly_and_the_others_are_ended() -> None:
    ended = asyncio.Event()

    async def lasting() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def failing() -> None:
        await asyncio.sleep(0.01)
        raise CheckFailed(expected="a", got="b")

    with pytest.raises(CheckFailed, match="expected a"):
        await together([lasting(), failing()])
    assert ended.is_set()
