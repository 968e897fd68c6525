"""What is said to be sent is no larger than what may be sent: it is refused for something else."""

import pytest

from contracts.upload.check_malformed_multipart import A_LARGE_BODY, large_body


@pytest.mark.parametrize(
    ("limit", "said"),
    [(52_428_800, A_LARGE_BODY), (10_000_000, 10_000_000)],
    ids=["the contract's limit", "a smaller one"],
)
def test_a_body_that_is_never_sent_is_within_the_limit(limit: int, said: int) -> None:
    assert large_body(limit) == said
