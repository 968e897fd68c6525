"""No secret reaches a report."""

import html
import json
import pprint
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest

from harness.redaction.redactor import Redactor

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


SECRET = 'p@ss/wörd "1" + zürich'


@pytest.mark.parametrize(
    "disguise",
    [
        quote(SECRET),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps({"x": SECRET}),
        json.dumps(SECRET, ensure_ascii=False).replace("/", "\\/"),
        repr([SECRET]),
        html.escape(SECRET),
        SECRET.encode().hex(),
        *(b64encode(before + SECRET.encode() + b"!").decode() for before in (b"", b"a", b"u:")),
        urlsafe_b64encode(b"user:" + SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_is_hidden_however_it_was_encoded(disguise: str) -> None:
    shown = Redactor([SECRET])(f"x {disguise} y")
    assert "***" in shown
    for half in range(0, len(disguise) - 10, 5):
        assert disguise[half : half + 10] not in shown


@pytest.mark.parametrize(
    "told",
    [
        quote(f"Bearer {TOKEN}"),
        f"%22{TOKEN}%22",
        TOKEN.replace(".", "%2E"),
        b64encode(f"Bearer {TOKEN}".encode()).decode(),
        b64encode(f"authorization: {TOKEN}\n".encode()).decode(),
        TOKEN[:60] + "…",
        "..." + TOKEN[-60:],
    ],
)
def test_a_token_that_nobody_told_of_is_hidden_too(told: str) -> None:
    shown = Redactor()(f"x {told} y")
    _header, payload, signature = TOKEN.split(".")
    assert not any(part in shown for part in (payload, signature, signature[-20:]))


def test_the_parts_of_a_known_token_are_as_secret_as_the_whole() -> None:
    header, payload, signature = TOKEN.split(".")
    shown = Redactor([TOKEN])(f"claims {payload} signed {signature} by {header}")
    assert payload not in shown
    assert signature not in shown


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:hunter%2F22@h/db",
        "host=h user=me password='hunter/22'",
        "postgresql://h/db?user=me&password=hunter/22",
        "postgresql://me:x@hunter/22@h/db",
    ],
)
def test_the_password_of_a_known_dsn_is_hidden_by_itself(dsn: str) -> None:
    shown = Redactor([dsn])("could not use hunter/22 or hunter%2F22")
    assert "hunter/22" not in shown


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("{'key': 'marked-sec...", "{'key': '***..."),
        ("...ked-secret-1', 1]", "...***', 1]"),
        ("body: marked-s … 70 bytes more", "body: *** … 70 bytes more"),
        ("a map … t-2", "a map … t-2"),
        ("nothing... of it", "nothing... of it"),
    ],
)
def test_half_a_secret_at_a_cut_is_hidden(text: str, hidden: str) -> None:
    assert Redactor(["marked-secret-1"])(text) == hidden


def test_digests_paths_and_ids_stay_readable() -> None:
    text = (
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 of "
        "/tmp/shakedown-17-ab/storage/evidence/6f9619ff-8b86-d011-b42d-00cf4fc964ff/photo_one.jpg"
    )
    assert Redactor(["marked-secret-1"])(text) == text


@pytest.mark.parametrize(
    "wrapped",
    [
        pprint.pformat(["a text of some length, marked secret-1, and more of it"], width=36),
        pprint.pformat(b"a text of some length, marked secret-1, and more of it", width=36),
        "E   'a text, marked '\nE   'secret-1'",
    ],
)
def test_a_secret_that_was_broken_into_lines(wrapped: str) -> None:
    assert "marked secret-1" not in wrapped
    assert "secret-1" in wrapped.replace("'\n b'", "")
    shown = Redactor(["marked secret-1"])(wrapped)
    assert "***" in shown
    assert "secret-1" not in shown


def test_lines_that_hold_no_secret_stay_as_they_are() -> None:
    text = "said 'one'\n'two' and marked"
    assert Redactor(["marked-secret-1"])(text) == text
