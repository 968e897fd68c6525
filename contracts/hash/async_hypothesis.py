"""Hypothesis in an async check: a thread draws examples, the check's event loop tries them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import FlakyFailure
from hypothesis.strategies import SearchStrategy

from harness.errors import CheckFailed

Example = TypeVar("Example")


async def for_each_example(
    strategy: SearchStrategy[Example],
    attempt: Callable[[Example], Awaitable[None]],
    *,
    examples: int,
    seed: int,
    deadline_s: float = 10,
) -> None:
    """Try `attempt` on up to `examples` drawn examples; the same seed draws the same ones.

    Raises what `attempt` raises for the smallest example that still fails. One attempt may take
    `deadline_s` seconds. When this call is cancelled, no further example is tried.
    """
    loop = asyncio.get_running_loop()
    stopped = threading.Event()

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=tuple(HealthCheck),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(strategy)
    def run(example: Example) -> None:
        if stopped.is_set():
            raise asyncio.CancelledError

        async def bounded() -> None:
            async with asyncio.timeout(deadline_s):
                await attempt(example)

        asyncio.run_coroutine_threadsafe(bounded(), loop).result()

    try:
        await asyncio.to_thread(run)
    except FlakyFailure as flaky:
        # It failed once and then passed: still a failure. Report the first one.
        failures = [error for error in flaky.exceptions if isinstance(error, CheckFailed)]
        raise failures[0] if failures else flaky from flaky
    finally:
        stopped.set()
