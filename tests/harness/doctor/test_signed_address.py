"""How long a signed address works, read from the address."""

import time

import jwt
import pytest

from harness.doctor.signed_address import lifetime_of

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
        (f"token={_token(exp=int(NOW) + 4)}", 4),
        (f"token={_token(iat=int(NOW) - 5, exp=int(NOW) + 5)}", 10),
        ("sig=abc", None),
        ("", None),
        ("token=not.a.token", None),
        (f"Expires={int(NOW) - 1}", None),
    ],
)
def test_it_is_read_from_the_query(query: str, lives_s: int | None) -> None:
    assert lifetime_of(f"https://storage.example/a/b?{query}", NOW) == lives_s


def test_one_that_runs_out_within_a_second_works_for_one() -> None:
    now = time.time()
    assert lifetime_of(f"/a?token={_token(exp=int(now) + 1)}", now) == 1
