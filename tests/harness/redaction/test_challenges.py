"""The header after a challenge is no token."""

import pytest

from harness.redaction.redactor import Redactor


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_header_after_a_challenge_is_shown(end: str) -> None:
    text = f"WWW-Authenticate: Bearer{end}Content-Type: application/json"
    assert "Content-Type: application/json" in Redactor()(text)


@pytest.mark.parametrize("between", [" ", "\n", "  ", "%20"])
def test_a_token_is_hidden_wherever_it_is_written(between: str) -> None:
    assert "opaque-token" not in Redactor()(f"Authorization: Bearer{between}opaque-token-1: no")
