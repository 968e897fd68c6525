import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.redaction.redactor import Redactor
from harness.untrusted.sanitizing import sanitize, shorten

SIGNIFICANT = st.sampled_from(list("\x1b\r\n\t :#[-+~\ud800"))
STRANGE = st.text(alphabet=st.one_of(st.characters(), SIGNIFICANT))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\0c", r"a\rb\x00c"),
        ("line\r\nline\tend\n", "line\nline\tend\n"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("half \ud800", r"half \ud800"),
        ("größe 图 🙂", "größe 图 🙂"),
        ("a\n  ::error::b\n::set-env name=X::y", "a\n  \\::error::b\n\\::set-env name=X::y"),
        ("see ##[error]x", "see #\\#[error]x"),
        ("a ##vso[task.complete result=Succeeded;]", "a #\\#vso[task.complete result=Succeeded;]"),
        ("##VSO[x] ###teamcity[y]", "#\\#VSO[x] ##\\#teamcity[y]"),
        ("+++ open\n--- a\n~~~\n ^^^ +++", "\\+++ open\n\\--- a\n\\~~~\n \\^^^ +++"),
        ("section_start:1:x\r\x1b[0KHello", r"section_start:1:x\r\x1b[0KHello"),
        ("-----BEGIN KEY-----\n---x", "-----BEGIN KEY-----\n---x"),
        ("## A heading [link]", "## A heading [link]"),
        ("std::vector", "std::vector"),
        ("[red]<b>]]>", "[red]<b>]]>"),
    ],
)
def test_what_would_act_is_shown(text: str, shown: str) -> None:
    assert sanitize(text) == shown
    assert Redactor()(text) == shown


@given(STRANGE)
def test_nothing_is_left_that_acts(text: str) -> None:
    shown = sanitize(text)
    assert all(letter.isprintable() or letter in "\n\t" for letter in shown)
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    assert not re.search(r"##\w*\[", shown)
    assert not any(
        re.match(r"(---|\+\+\+|~~~)(\s|$)", line.lstrip()) for line in shown.splitlines()
    )
    assert sanitize(shown) == shown
    shown.encode("utf-8")


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcdef", 3) == "abc… (3 characters more)"
