"""Every way around the permission that we could think of, and what is said to it."""

from dataclasses import replace

import pytest

from harness.guard import Grant, Now, refusal

DIGEST = "a" * 64
GRANT = Grant(
    allow_faults=True,
    shown_file="shakedown.toml",
    sha256=DIGEST,
    hosts=frozenset({"staging.example.com", "10.0.0.7", "2001:db8::1"}),
    addresses={
        "staging.example.com": frozenset({"10.0.0.7", "10.0.0.8"}),
        "10.0.0.7": frozenset({"10.0.0.7"}),
        "2001:db8::1": frozenset({"2001:db8::1"}),
    },
)
NOW = Now(sha256=DIGEST, addresses=frozenset({"10.0.0.7"}))


@pytest.mark.parametrize("host", ["staging.example.com", "STAGING.example.com.", "10.0.0.7"])
def test_a_host_that_is_listed_may_be_harmed(host: str) -> None:
    assert refusal(GRANT, host, NOW) is None


def test_an_address_in_another_spelling_is_the_same_address() -> None:
    now = replace(NOW, addresses=frozenset({"2001:db8::1"}))
    assert refusal(GRANT, "[2001:0db8:0:0:0:0:0:1]", now) is None


def test_not_without_the_option() -> None:
    reason = refusal(replace(GRANT, allow_faults=False), "staging.example.com", NOW)
    assert reason is not None
    assert "--allow-faults was not given" in reason


@pytest.mark.parametrize(
    "host",
    [
        "production.example.com",
        "example.com",
        "x.staging.example.com",
        "staging.example.com.evil.example",
        "alias-of-staging.example.com",  # though it resolves to a listed address
        "10.0.0.8",  # though a listed name resolves to it
        "localhost",
        "127.0.0.1",
        "::1",
        "staging",
    ],
)
def test_not_another_host_whatever_it_resolves_to(host: str) -> None:
    reason = refusal(GRANT, host, NOW)
    assert reason is not None
    assert "does not list it" in reason


@pytest.mark.parametrize(
    "host",
    ["", "*", "staging.example.com:80", "::ffff:10.0.0.7", "167772167", "0x0a.0.0.7", "10.7"],
)
def test_not_a_host_in_disguise(host: str) -> None:
    assert refusal(GRANT, host, NOW) is not None


@pytest.mark.parametrize(
    ("digest", "told"), [("b" * 64, "has changed"), (None, "cannot be read"), ("", "has changed")]
)
def test_not_when_the_file_is_another_than_was_checked(digest: str | None, told: str) -> None:
    reason = refusal(GRANT, "staging.example.com", replace(NOW, sha256=digest))
    assert reason is not None
    assert told in reason


@pytest.mark.parametrize(
    ("addresses", "told"),
    [
        ({"127.0.0.1"}, "resolves to 127.0.0.1 now"),
        ({"10.0.0.7", "192.0.2.1"}, "resolves to 192.0.2.1 now"),
        (set(), "does not resolve any more"),
    ],
)
def test_not_when_the_name_means_another_address_now(addresses: set[str], told: str) -> None:
    now = replace(NOW, addresses=frozenset(addresses))
    reason = refusal(GRANT, "staging.example.com", now)
    assert reason is not None
    assert told in reason


def test_not_when_it_resolved_to_nothing_at_first() -> None:
    grant = replace(GRANT, addresses={})
    reason = refusal(grant, "staging.example.com", NOW)
    assert reason is not None
    assert "when it was checked" in reason


def test_an_empty_list_allows_nothing() -> None:
    reason = refusal(replace(GRANT, hosts=frozenset()), "staging.example.com", NOW)
    assert reason is not None
    assert "listed: none" in reason
