import asyncio

import pytest

from harness.client.answers.answer import Answer
from harness.client.http.patience import MAX_WAIT_S, Patience
from harness.errors import Inconclusive
from tests import answers

PROBLEM = b'{"code": "unavailable", "status": 503}'


def answer(status: int, body: bytes = b"<h1>slow down</h1>", **headers: str) -> Answer:
    """A gateway's, unless the body says otherwise."""
    return answers.answer(status, body, **headers)


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits, which take no time."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waits


@pytest.mark.parametrize("status", [429, 503])
async def test_a_gateway_is_obeyed(status: int, waited: list[float]) -> None:
    assert await Patience(has_gateway=True).waits(answer(status, retry_after="3"))
    assert waited == [3]


@pytest.mark.parametrize(
    ("judged", "has_gateway"),
    [
        (answer(200, retry_after="3"), True),
        (answer(429), True),
        (answer(503), True),
        (answer(503, PROBLEM, retry_after="3"), True),  # the backend's own word
        (answer(503, retry_after="3"), False),  # nothing stands before it
        (answer(503, retry_after="3600", x_request_id="r1"), True),
    ],
)
async def test_other_answers_are_the_checks_business(
    judged: Answer, has_gateway: bool, waited: list[float]
) -> None:
    assert not await Patience(has_gateway=has_gateway).waits(judged)
    assert not waited


@pytest.mark.parametrize("status", [429, 503])
async def test_who_asks_for_too_much_ends_the_check_without_blame(
    status: int, waited: list[float]
) -> None:
    with pytest.raises(Inconclusive, match=rf"{status} to GET /api/jobs .* wait 3600 s"):
        await Patience(has_gateway=True).waits(answer(status, retry_after="3600"))
    assert not waited


async def test_what_cannot_be_sent_twice_is_not_waited_for(waited: list[float]) -> None:
    with pytest.raises(Inconclusive, match="sent only once"):
        await Patience(has_gateway=True).waits(answer(429, retry_after="1"), may_repeat=False)
    assert not waited


async def test_all_waits_of_a_run_together_are_bounded(waited: list[float]) -> None:
    patience, late = Patience(has_gateway=True), answer(429, retry_after="10")
    # At the same time: they count once.
    await asyncio.gather(*(patience.waits(late) for _ in range(20)))
    assert len(waited) == 20
    with pytest.raises(Inconclusive, match=f"waits {MAX_WAIT_S:g} s for it in all"):
        await patience.waits(answer(429, retry_after=f"{MAX_WAIT_S + 1:g}"))


async def test_a_gateway_that_asks_for_no_time_does_not_get_a_storm(waited: list[float]) -> None:
    patience = Patience(has_gateway=True)
    assert await patience.waits(answer(429, retry_after="0"))
    assert waited[0] > 0
