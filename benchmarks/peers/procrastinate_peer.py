"""No-op jobs through procrastinate: `python procrastinate_peer.py fill|work URL COUNT`.

`work` ends when the queue is empty. Speed is read from procrastinate's own event table, by the database's clock.
"""

import asyncio
import sys

import procrastinate


def application(url: str) -> procrastinate.App:
    """The app with its one task, which does nothing."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, max_size=10))

    @app.task(name="noop", queue="noop")
    async def noop(n: int) -> None: ...

    return app


async def fill(app: procrastinate.App, count: int) -> None:
    """Apply the schema and defer `count` jobs."""
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        task = app.tasks["noop"]
        for start in range(0, count, 500):
            await task.batch_defer_async(*({"n": n} for n in range(start, min(start + 500, count))))


async def work(app: procrastinate.App) -> None:
    """Run a worker of concurrency 8 until nothing is left."""
    async with app.open_async():
        await app.run_worker_async(
            queues=["noop"], concurrency=8, wait=False, install_signal_handlers=False
        )


if __name__ == "__main__":
    step, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    app = application(url)
    asyncio.run(fill(app, count) if step == "fill" else work(app))
