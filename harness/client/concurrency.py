"""Awaiting many things at once; the first failure is raised itself."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

Result = TypeVar("Result")


async def together(
    work: Iterable[Awaitable[Result]], *, at_once: int | None = None
) -> list[Result]:
    """Await everything concurrently and give the results in order.

    `at_once` bounds how much runs at a time. When one fails the others are cancelled and
    waited for, and that first failure is raised itself, not in an exception group.
    """
    gate = asyncio.Semaphore(at_once) if at_once is not None else None

    async def one(awaitable: Awaitable[Result]) -> Result:
        if gate is None:
            return await awaitable
        async with gate:
            return await awaitable

    awaitables = list(work)
    tasks = [asyncio.ensure_future(one(awaitable)) for awaitable in awaitables]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for awaitable in awaitables:
            if asyncio.iscoroutine(awaitable):
                awaitable.close()  # one that was cancelled before its turn has never begun
