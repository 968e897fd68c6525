import pytest

from harness.client.answers.answer import Answer
from load.users.gateway import MAX_WAIT_S, wait_s
from tests.answers import answer


def test_users_wait_as_they_are_asked() -> None:
    assert wait_s(answer(429, retry_after="3"), 0, has_gateway=False) == 3
    assert wait_s(answer(503, retry_after="3"), 0, has_gateway=True) == 3


@pytest.mark.parametrize(
    ("got", "waited"),
    [
        (answer(201, retry_after="3"), 0.0),
        (answer(429), 0.0),
        (answer(429, retry_after="3"), MAX_WAIT_S - 1),
        (answer(503, retry_after="3"), 0.0),  # nothing stands before the backend
    ],
)
def test_everything_else_is_judged(got: Answer, waited: float) -> None:
    assert wait_s(got, waited, has_gateway=False) is None
