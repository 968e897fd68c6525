import pytest

from harness.errors import Inconclusive, Misconfigured
from harness.waiting import wait_until


async def test_what_the_condition_gives_is_returned() -> None:
    left = [0, 0, 7, 8]
    assert await wait_until(lambda: left.pop(0), 5, "a number", poll_s=0) == 7
    assert left == [8]


async def test_the_condition_may_be_async() -> None:
    left = ["", "ready"]

    async def state() -> str:
        return left.pop(0)

    assert await wait_until(state, 5, "a state", poll_s=0) == "ready"


async def test_it_is_looked_at_once_even_without_time() -> None:
    assert await wait_until(lambda: True, 0, "nothing") is True


async def test_it_says_in_vain_for_what() -> None:
    with pytest.raises(Misconfigured, match=r"timed out after 0\.01 s waiting for the moon"):
        await wait_until(lambda: False, 0.01, "the moon", poll_s=0)
    with pytest.raises(Inconclusive, match="the moon"):
        await wait_until(lambda: False, 0, "the moon", error=Inconclusive)


async def test_what_the_condition_raises_goes_through() -> None:
    def broken() -> bool:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await wait_until(broken, 5, "nothing")
