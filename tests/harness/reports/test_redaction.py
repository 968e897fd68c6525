"""No secret reaches a report."""

import pytest

from harness.redaction import Redactor

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("the secret is marked-secret-1.", "the secret is ***."),
        (f"token {TOKEN} was refused", "token *** was refused"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ***"),
        ("postgresql://owner:pa$$w0rd@127.0.0.1:5432/x", "postgresql://owner:***@127.0.0.1:5432/x"),
        ("host=127.0.0.1 password=hunter22 user=x", "host=127.0.0.1 password=*** user=x"),
        ("http://x:y@z ftp://host:21/@a", "http://x:***@z ftp://host:21/@a"),
        ("bearer tokens are fine to talk about", "bearer tokens are fine to talk about"),
    ],
)
def test_known_secrets_and_what_looks_like_one_are_hidden(text: str, hidden: str) -> None:
    assert Redactor(["marked-secret-1"])(text) == hidden


def test_a_secret_that_holds_another_one_is_hidden_whole() -> None:
    assert Redactor(["salt", "salt-and-more"])("x salt-and-more y") == "x *** y"


def test_a_secret_of_a_letter_or_two_does_not_blank_the_text() -> None:
    assert Redactor(["a", ""])("a banana") == "a banana"
