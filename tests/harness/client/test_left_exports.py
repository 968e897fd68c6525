import asyncio

from harness.client.left_exports import LeftExports
from harness.errors import CheckFailed


async def test_what_nobody_waited_for_is_canceled_once() -> None:
    canceled: list[str] = []
    left = LeftExports()

    async def cancel(name: str) -> None:
        await asyncio.sleep(0)
        canceled.append(name)
        if name == "b":
            raise CheckFailed(expected="an answer", got="none")

    for name in "abc":
        left.note(name, lambda name=name: cancel(name))  # type: ignore[misc]
    left.forget("a")
    left.forget("unknown")
    await left.cancel()
    assert sorted(canceled) == ["b", "c"]
    await left.cancel()
    assert len(canceled) == 2
