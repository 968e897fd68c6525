"""How long a signed address works, read from the address."""

import time

import jwt
import pytest

from harness.client.http.signed_lifetime import lifetime_of

NOW = 1_700_000_000.0
KEY = "a-key-of-a-storage-that-is-long-enough-for-hs256"


def _token(**claims: int) -> str:
    return jwt.encode({"url": "a/b", **claims}, KEY, algorithm="HS256")


@pytest.mark.parametrize(
    ("query", "lives_s"),
    [
        ("X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-Signature=abc", 60),
        ("X-Goog-Expires=900", 900),
        (f"Expires={int(NOW) + 30}&Signature=abc", 30),
        (f"expires={int(NOW) * 1000 + 2500}&sig=abc", 3),
        (f"token={_token(exp=int(NOW) + 4)}", 4),
        (f"token={_token(iat=int(NOW) - 5, exp=int(NOW) + 5)}", 10),
        ("sig=abc", None),
        ("", None),
        ("token=not.a.token", None),
        (f"Expires={int(NOW) - 1}", None),
    ],
)
def test_it_is_read_from_the_query(query: str, lives_s: int | None) -> None:
    said = lifetime_of(f"https://storage.example/a/b?{query}", NOW)
    assert (said and said.whole_s) == lives_s


def test_one_that_runs_out_within_a_second_works_for_one() -> None:
    now = time.time()
    said = lifetime_of(f"/a?token={_token(exp=int(now) + 1)}", now)
    assert said is not None
    assert said.whole_s == 1


def test_a_token_that_is_dated_back_does_not_work_for_longer() -> None:
    said = lifetime_of(f"/a?token={_token(iat=int(NOW) - 60, exp=int(NOW) + 5)}", NOW)
    assert said is not None
    assert (said.whole_s, said.left_s, said.by_clock) == (65, 5, True)
