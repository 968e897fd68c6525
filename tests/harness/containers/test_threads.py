"""What is begun in a thread is waited for, however whoever waits is interrupted."""

import asyncio
import threading

import pytest

from harness.containers.threads import Threads, until_canceled
from harness.errors import Misconfigured


def test_what_is_under_way_is_waited_for_when_the_loop_itself_is_interrupted() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()
    seen: list[bool] = []

    def make() -> None:
        begun.set()
        may_end.wait(10)
        ended.set()

    async def waits() -> None:
        try:
            await Threads(2).call(make)
        finally:
            seen.append(ended.is_set())

    async def interrupted() -> None:
        waiting = asyncio.ensure_future(waits())
        await asyncio.to_thread(begun.wait, 10)
        threading.Timer(0.2, may_end.set).start()
        assert not waiting.done()
        raise KeyboardInterrupt  # a second Ctrl-C: the loop stops, and cancels all its tasks

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(interrupted())
    assert seen == [True]


async def test_what_is_under_way_is_waited_for_however_often_it_is_cancelled() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def make() -> None:
        begun.set()
        may_end.wait(10)
        ended.set()

    making = asyncio.ensure_future(Threads(2).call(make))
    await asyncio.to_thread(begun.wait, 10)
    for _ in range(3):
        making.cancel()
        await asyncio.sleep(0)
    assert not making.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert ended.is_set()


async def test_what_makes_nothing_of_ours_is_not_waited_for() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def build() -> None:
        begun.set()
        may_end.wait(30)

    building = asyncio.ensure_future(until_canceled(build))
    await asyncio.to_thread(begun.wait, 10)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    assert not may_end.is_set()
    may_end.set()


async def test_what_a_build_gives_or_raises_is_handed_on() -> None:
    def refuse() -> None:
        raise Misconfigured("no")

    assert await until_canceled(str.upper, "image") == "IMAGE"
    with pytest.raises(Misconfigured, match="no"):
        await until_canceled(refuse)


async def test_what_nobody_waits_for_any_more_is_waited_for_at_the_end() -> None:
    threads, may_end, ended = Threads(2), threading.Event(), threading.Event()

    def make() -> None:
        may_end.wait(10)
        ended.set()

    making = asyncio.ensure_future(threads.call(make))
    await asyncio.sleep(0)
    threading.Timer(0.1, may_end.set).start()
    threads.finish()
    await making
    assert ended.is_set()
