"""Where there is no engine to use, one sentence says so and names the way without it."""

import asyncio
import socket
import threading
from pathlib import Path

import pytest

from harness.containers.container import as_returncode
from harness.containers.engine import Engine, in_thread, unless_cancelled
from harness.errors import Misconfigured


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("unix:///nowhere/docker.sock", "No such file or directory"),
        ("tcp://127.0.0.1:1", "Connection refused"),
        ("tcp://192.0.2.1:2375", "is on another machine"),
        ("ssh://somebody@192.0.2.1", "is on another machine"),
        ("nonsense", "nonsense"),
    ],
)
def test_no_engine_is_one_sentence(address: str, reason: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Engine.connect(address)
    message = str(caught.value)
    assert reason in message
    assert "shakedown run --driver embedded" in message
    assert "\n" not in message


def test_one_that_does_not_speak_the_engines_language(tmp_path: Path) -> None:
    place = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        with pytest.raises(Misconfigured, match="no Docker engine can be reached"):
            Engine.connect(f"unix://{place}")


@pytest.mark.parametrize(("told", "meant"), [(0, 0), (7, 7), (137, -9), (143, -15), (255, 255)])
def test_exit_codes_are_told_as_those_of_processes(told: int, meant: int) -> None:
    assert as_returncode(told) == meant


def test_what_is_under_way_is_waited_for_when_the_loop_itself_is_interrupted() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()
    seen: list[bool] = []

    def make() -> None:
        begun.set()
        may_end.wait(10)
        ended.set()

    async def waits() -> None:
        try:
            await in_thread(make)
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

    making = asyncio.ensure_future(in_thread(make))
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

    building = asyncio.ensure_future(unless_cancelled(build))
    await asyncio.to_thread(begun.wait, 10)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    assert not may_end.is_set()
    may_end.set()


async def test_what_a_build_gives_or_raises_is_handed_on() -> None:
    def refuse() -> None:
        raise Misconfigured("no")

    assert await unless_cancelled(str.upper, "image") == "IMAGE"
    with pytest.raises(Misconfigured, match="no"):
        await unless_cancelled(refuse)
