"""Ctrl-C cancels, however often, and nothing is cut off."""

import asyncio
import os
import signal

import pytest

from harness.machine.interruptible import run_interruptible


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_what_is_not_interrupted_gives_its_result() -> None:
    async def answer() -> int:
        return 42

    assert run_interruptible(answer()) == 42
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_tidies_up_to_the_end_however_often_it_is_pressed() -> None:
    tidied: list[int] = []

    async def work() -> None:
        try:
            press()
            await asyncio.sleep(30)
        finally:
            for number in range(5):
                press()
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    tidied.append(number)

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work())
    assert tidied == [0, 1, 2, 3, 4]


def test_no_wake_up_is_lost_to_a_second_one() -> None:
    """A callback that is interrupted in the middle would leave its waiter waiting for ever."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        woken = loop.create_future()

        def wake() -> None:
            press()
            woken.set_result(None)

        try:
            press()
            await asyncio.sleep(30)
        finally:
            loop.call_soon(wake)
            async with asyncio.timeout(10):
                while not woken.done():
                    try:
                        await asyncio.shield(woken)
                    except asyncio.CancelledError:
                        continue

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work())


def test_a_cancellation_of_its_own_is_no_interruption() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_interruptible(work())


def test_an_error_is_its_own() -> None:
    async def work() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        run_interruptible(work())
