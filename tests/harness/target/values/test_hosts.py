import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.target.values.hosts import (
    InvalidHost,
    canonical_host,
    host_of_url,
    is_on_loopback,
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("staging.example.com", "staging.example.com"),
        ("Staging.EXAMPLE.com.", "staging.example.com"),
        ("my_api", "my_api"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("10.0.0.7", "10.0.0.7"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("2001:DB8:0:0::0001", "2001:db8::1"),
        ("[2001:0db8:0000:0000:0000:0000:0000:0001]", "2001:db8::1"),
        ("1password.example", "1password.example"),
    ],
)
def test_one_spelling(text: str, canonical: str) -> None:
    assert canonical_host(text) == canonical


STRANGE = [
    "",
    ".",
    " ",
    "*",
    "*.example.com",
    "staging.*",
    "st?ging.example.com",
    ".example.com",
    "staging..example.com",
    "staging.example.com..",
    "staging.example.com:443",
    "https://staging.example.com",
    "root@staging.example.com",
    "staging.example.com@evil.example",
    "staging.example.com/x",
    "staging.example.com\\x",
    "staging.example.com#",
    "staging.example.com%00.evil.example",
    "staging.example.com\n",
    "staging.example.com\0.evil.example",
    " staging.example.com",
    "staging.example.com evil.example",
    "-staging.example.com",
    "staging-.example.com",
    "10.0.0.0/8",
    "::/0",
    "0.0.0.0",  # noqa: S104 - refused, not bound to
    "::",
    "[::]",
    "255.255.255.255",
    "224.0.0.1",
    "ff02::1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7F.0x0.0x0.0x1",
    "0177.0.0.1",
    "127.0.0.01",
    "127.0.0.1.2",
    "256.0.0.1",
    "example.127",
    "example.0x",
    "1.2.3",
    "::ffff:127.0.0.1",
    "[::ffff:7f00:1]",
    "::127.0.0.1",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "fe80::1%eth0",
    "[fe80::1%25eth0]",
    "[::1",
    "::1]",
    "[::1]:80",
    "[staging.example.com]",
    "[127.0.0.1]",
    "1::2::3",
    "\uff11\uff12\uff17.0.0.1",  # full-width digits
    "st\u0430ging.example.com",  # a Cyrillic letter
    "bücher.example",
    "staging\u3002example\u3002com",  # ideographic full stops
    "staging.example.com\u200b",
    "a" * 64 + ".example",
    ".".join(["a" * 60] * 5),
]


@pytest.mark.parametrize("text", STRANGE)
def test_whatever_can_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(InvalidHost):
        canonical_host(text)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://staging.example.com", "staging.example.com"),
        ("HTTPS://Staging.example.com.:8443/base/", "staging.example.com"),
        ("http://[0:0:0:0:0:0:0:1]:80", "::1"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of_url(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "staging.example.com",
        "ftp://staging.example.com",
        "http://",
        "http:///staging.example.com",
        "http://staging.example.com@evil.example",
        "http://staging.example.com:80@evil.example",
        "http://user:password@staging.example.com",
        "http://evil.example\\@staging.example.com",
        "http://evil.example\\.staging.example.com",
        "http://staging.example.com?x",
        "http://staging.example.com#@evil.example",
        "http://staging.example.com /",
        "http://staging.example.com\n.evil.example",
        "http://staging.example.com:port",
        "http://2130706433",
        "http://0x7f.1:80",
        "http://::1",
        "http://[::1%25lo]",
        "http://[::ffff:127.0.0.1]",
        "http://*.example.com",
    ],
)
def test_urls_that_hide_their_host_are_refused(url: str) -> None:
    with pytest.raises(InvalidHost):
        host_of_url(url)


@given(st.text(max_size=40))
def test_a_canonical_spelling_stays_what_it_is(text: str) -> None:
    try:
        once = canonical_host(text)
    except InvalidHost:
        return
    assert canonical_host(once) == once
    assert once.isascii()
    assert once == once.lower()


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.8.0.1/api", True),
        ("http://[::1]:8080", True),
        ("http://LocalHost:8080", True),
        ("https://staging.example.net", False),
        ("http://10.0.0.7:8080", False),
        ("http://127.0.0.1.example.net", False),
        ("http://user@127.0.0.1", False),
    ],
)
def test_what_leads_to_this_machine(url: str, is_ours: bool) -> None:
    assert is_on_loopback(url) == is_ours
