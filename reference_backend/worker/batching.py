"""Batching requests to the database.

No request waits for a batch to fill up. While one batch is in progress the next one collects, so
batches grow with the load and a single request is sent at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from reference_backend.database import DatabaseUnavailable
from reference_backend.worker.periodic import Backoff, log_failure

Item = TypeVar("Item")
Answer = TypeVar("Answer")
LARGEST_BATCH = 100


class Batching(Generic[Item, Answer]):
    """Calls ``send`` with batches of items; it returns their answers in the same order.

    ``send`` must be repeatable: it is called again while the database is unavailable.
    """

    def __init__(
        self, send: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], what: str
    ) -> None:
        self._send = send
        self._what = what
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._called = asyncio.Event()

    async def ask(self, item: Item) -> Answer:
        """The answer to one item. Raises what ``send`` raises for this item alone."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._called.set()
        return await future

    async def run(self) -> None:
        """Send batches, forever."""
        while True:
            await self._called.wait()
            self._called.clear()
            while self._waiting:
                batch = self._waiting[:LARGEST_BATCH]
                del self._waiting[:LARGEST_BATCH]
                # Without items whose export was stopped in the meantime.
                await self._settle([item for item in batch if not item[1].done()])

    async def _settle(self, batch: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        if not batch:
            return
        try:
            answers = await self._send_until_answered([item for item, _ in batch])
        except Exception as error:
            if len(batch) > 1:  # one refused item must not fail the others
                for item in batch:
                    await self._settle([item])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _send_until_answered(self, items: Sequence[Item]) -> Sequence[Answer]:
        backoff = Backoff()
        while True:
            try:
                return await self._send(items)
            except DatabaseUnavailable as error:
                log_failure(self._what, error)
                await backoff.pause()
