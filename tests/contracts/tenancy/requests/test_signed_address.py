"""How an address is changed: one value at a time, and only what somebody could know."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from contracts.tenancy.requests.signed_address import (
    holds,
    lasting_longer,
    led_astray,
    with_changed_query,
    without_query,
)

SIGNED = "http://s.net/b/o-of-evidence-1.png?expires=1764514000&sig=abcdef0123&name=a%2Fb"


def test_each_value_is_changed_by_itself_and_no_escape_is_broken() -> None:
    changed = dict(with_changed_query(SIGNED))
    assert list(changed) == ["expires", "sig", "name"]
    assert "expires=1764514001&sig=abcdef0123&" in changed["expires"]
    assert re.search(r"expires=1764514000&sig=(?!abcdef0123)\w{10}&name=a%2Fb$", changed["sig"])
    assert re.search(r"name=[ab]%2F[ab]$", changed["name"])
    assert changed["name"] != SIGNED
    assert without_query(SIGNED) == "http://s.net/b/o-of-evidence-1.png"


def test_of_a_token_the_signature_is_changed() -> None:
    ((name, url),) = with_changed_query("http://s.net/o?token=aaaa.bbbb.cccc")
    assert name == "token"
    assert url.startswith("http://s.net/o?token=aaaa.bbbb.")
    assert not url.endswith("cccc")


def test_a_query_without_names_is_changed_too() -> None:
    assert [name for name, _ in with_changed_query("http://s.net/o?s3cr3t")] == ["query"]
    assert list(with_changed_query("http://s.net/o")) == []


@pytest.mark.parametrize(
    ("asked", "later"),
    [
        ("expires=1764514000", r"\d{10}"),
        ("e=1764514000123", r"\d{13}"),
        ("X-Amz-Expires=60", "86460"),
        ("X-Amz-Date=20200101T000000Z", r"2\d{7}T\d{6}Z"),
    ],
)
def test_a_value_that_may_be_a_time_is_set_to_a_later_one(asked: str, later: str) -> None:
    ((name, url),) = lasting_longer(f"http://s.net/o?{asked}&sig=abc")
    (value,) = parse_qs(urlsplit(url).query)[name]
    assert re.fullmatch(later, value)
    assert value > asked.partition("=")[2] or name == "X-Amz-Expires"


IDS = frozenset({"11111111-2222", "preparing", "b/22222222-3333/file.png"})


@pytest.mark.parametrize(
    ("other", "led"),
    [
        # The ID is taken over, the signature is not.
        ("http://s.net/b/11111111-2222.png?sig=theirs", "/b/11111111-2222.png?sig=mine"),
        # A signature that does not depend on the object: the address is the other's.
        ("http://s.net/b/11111111-2222.png?sig=mine", "/b/11111111-2222.png?sig=mine"),
        ("http://s.net/22222222-3333/file.png?sig=theirs", "/22222222-3333/file.png?sig=mine"),
        ("http://s.net/b/own.png?sig=theirs&id=11111111-2222", None),
        # A name beside a secret is a secret.
        ("http://s.net/b/11111111-2222.0123456789abcdef0123?sig=theirs", None),
        ("http://s.net/b/another.png?sig=theirs", None),
    ],
)
def test_only_names_are_taken_from_the_address_of_another_object(
    other: str, led: str | None
) -> None:
    found = list(led_astray("http://s.net/b/own.png?sig=mine", other, IDS))
    assert found == ([f"http://s.net{led}"] if led else [])


def test_an_object_in_the_query_is_replaced_there() -> None:
    mine, theirs = ("http://s.net/o?id=own&sig=mine", "http://s.net/o?id=11111111-2222&sig=theirs")
    assert list(led_astray(mine, theirs, IDS)) == ["http://s.net/o?id=11111111-2222&sig=mine"]


def test_a_token_is_found_escaped_as_well() -> None:
    assert holds("http://s.net/o?t=a%2Bb", "a+b")
    assert not holds("http://s.net/o?t=ab", "a+b")
