"""No-op jobs through pgqueuer on asyncpg: `python pgqueuer_peer.py fill|work URL COUNT`.

`work` drains in batches of 100. Speed is read from pgqueuer's own log table, by the database's clock.
"""

import asyncio
import sys

import asyncpg
from pgqueuer import AsyncpgPoolDriver, Job, PgQueuer, Queries
from pgqueuer.types import QueueExecutionMode


async def fill(url: str, count: int) -> None:
    """Install the schema and enqueue `count` jobs."""
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        await queries.install()
        for start in range(0, count, 500):
            n = min(500, count - start)
            await queries.enqueue(["noop"] * n, [None] * n, [0] * n)


async def work(url: str) -> None:
    """Run one worker until nothing is left."""
    async with asyncpg.create_pool(url, min_size=4, max_size=8) as pool:
        worker = PgQueuer(AsyncpgPoolDriver(pool))

        @worker.entrypoint("noop")
        async def noop(job: Job) -> None: ...

        await worker.run(batch_size=100, mode=QueueExecutionMode.drain)


if __name__ == "__main__":
    step, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    asyncio.run(fill(url, count) if step == "fill" else work(url))
