"""Tokens that a backend gave out: found in whatever they stand in, by every process of a run."""

import base64
import secrets
import stat
from pathlib import Path

import pytest

from harness.redaction.issued_tokens import read_issued_tokens, record_issued_tokens
from harness.redaction.redactor import HIDDEN, Redactor

TOKEN = "q7-LmN0pQrStUvWxYz_0123456789abcdefgh"


@pytest.mark.parametrize(
    "form",
    [
        TOKEN,
        TOKEN.encode().hex(),
        TOKEN.encode().hex().upper(),
        base64.b64encode(f"user:{TOKEN}:".encode()).decode(),
    ],
)
@pytest.mark.parametrize("around", ["{}", "a={}&b=1", '{{"t":"{}"}}', "xx{}xx", "{0} and {0}"])
def test_a_token_is_hidden_in_every_form(form: str, around: str) -> None:
    redact = Redactor()
    redact.add_issued_tokens([TOKEN, *(secrets.token_urlsafe(32) for _ in range(50))])
    shown = redact(around.format(form))
    assert form[8:-8] not in shown
    assert HIDDEN in shown


def test_what_is_no_token_stays_as_it_is() -> None:
    redact = Redactor()
    redact.add_issued_tokens([TOKEN])
    text = f"GET /files/{TOKEN[:20]}x {TOKEN[13:]} 200 {'ab' * 32}"
    assert redact(text) == text


def test_a_token_of_another_form_is_hidden_as_well() -> None:
    redact = Redactor()
    redact.add_issued_tokens(["four words, with blanks"])
    assert redact("it is four words, with blanks!") == f"it is {HIDDEN}!"


def test_half_a_token_before_a_cut_is_hidden() -> None:
    redact = Redactor()
    redact.add_issued_tokens([TOKEN])
    assert redact(f"it was {TOKEN[:9]}… and then") == f"it was {HIDDEN}… and then"


def test_the_longer_of_two_is_hidden_whole() -> None:
    redact = Redactor()
    redact.add_issued_tokens([TOKEN[:30], TOKEN])
    assert redact(f"<{TOKEN}>") == f"<{HIDDEN}>"


def test_other_processes_are_told_by_a_file_of_the_run(tmp_path: Path) -> None:
    assert read_issued_tokens(tmp_path) == ()
    record_issued_tokens(tmp_path, [TOKEN])
    record_issued_tokens(tmp_path, ["ü and\nmore"])
    assert read_issued_tokens(tmp_path) == (TOKEN, "ü and\nmore")
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
