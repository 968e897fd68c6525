"""A backend that is named by environment variables alone."""

import tomllib
from typing import Any

import jwt
import pytest

from harness.client import Organizations
from harness.client.tokens.given_tokens import given_users
from harness.errors import Inconclusive, Misconfigured
from harness.target import Capability, load_target
from harness.target.environment import (
    ENVIRONMENT_TARGETS,
    ONE_USER,
    TWO_TENANTS,
    VARIABLES,
    environment_target,
)
from tests.given_tokens import token_of


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*ONE_USER, *TWO_TENANTS):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def set_all(environment: pytest.MonkeyPatch) -> None:
    values = ("http://127.0.0.1:9", token_of("one"), "job", token_of("A"), token_of("B"), "a", "b")
    for name, value in zip((*ONE_USER, *TWO_TENANTS), values, strict=True):
        environment.setenv(name, value)


def test_without_any_variable_there_is_none(environment: pytest.MonkeyPatch) -> None:
    assert environment_target() is None


JOBS = ("JOB_ID", "JOB_ID_ORG_A", "JOB_ID_ORG_B")


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (name, state)
        for name in (*ONE_USER, *TWO_TENANTS)
        for state in ("empty", "not set")
        if state == "empty" or name not in JOBS
    ],
)
def test_a_variable_that_is_missing_is_refused_by_name(
    environment: pytest.MonkeyPatch, name: str, state: str
) -> None:
    set_all(environment)
    if state == "empty":
        environment.setenv(name, "")
    else:
        environment.delenv(name)
    with pytest.raises(Misconfigured, match=rf"variable {name} is {state}") as refused:
        load_target(environment_target())
    assert ".toml" not in str(refused.value), "the user has written no such file"


@pytest.mark.parametrize("there", [ONE_USER, (*ONE_USER, *TWO_TENANTS)])
def test_a_job_is_given_only_where_there_is_one(
    environment: pytest.MonkeyPatch, there: tuple[str, ...]
) -> None:
    set_all(environment)
    for name in {*ONE_USER, *TWO_TENANTS} - {*there} | {*JOBS}:
        environment.delenv(name)
    assert {user.job for user in given_users(load_target(environment_target()))} == {None}


def test_one_user_offers_neither_tenants_nor_new_organizations(
    environment: pytest.MonkeyPatch,
) -> None:
    set_all(environment)
    for name in TWO_TENANTS:
        environment.delenv(name)
    target = load_target(environment_target())
    assert target.capabilities() == {Capability.HTTP}
    [user] = given_users(target)
    assert (user.organization, user.job) == ("one", "job")


async def test_two_tenants_are_taken_in_turn_and_a_third_is_inconclusive(
    environment: pytest.MonkeyPatch,
) -> None:
    set_all(environment)
    target = load_target(environment_target())
    assert target.capabilities() == {Capability.HTTP, Capability.TENANTS}
    async with Organizations.of(target, target.api.base_urls) as organizations:
        a, b = await organizations.several(2)
        assert (a.id, b.id, a.is_fresh) == ("A", "B", False)
        with pytest.raises(Inconclusive, match="organization"):
            await organizations.new()
        with pytest.raises(Inconclusive, match="viewer"):
            a.as_role("viewer")
        with pytest.raises(Inconclusive, match="ready-made"):
            _ = organizations.recipe


def test_a_token_that_does_not_say_whose_it_is_is_refused(
    environment: pytest.MonkeyPatch,
) -> None:
    set_all(environment)
    environment.setenv("JWT_ORG_B", "opaque-token")
    with pytest.raises(Misconfigured, match=r"^JWT_ORG_B: expected a JWT"):
        given_users(load_target(environment_target()))


def test_a_token_without_an_organization_is_for_a_target_file(
    environment: pytest.MonkeyPatch,
) -> None:
    set_all(environment)
    environment.setenv("JWT_ORG_B", jwt.encode({"sub": "u"}, "s" * 32, algorithm="HS256"))
    with pytest.raises(Misconfigured, match=r"^JWT_ORG_B: .* no claim .* shakedown init"):
        given_users(load_target(environment_target()))


def test_two_tokens_of_one_organization_are_refused(environment: pytest.MonkeyPatch) -> None:
    set_all(environment)
    environment.setenv("JWT_ORG_B", token_of("A"))
    with pytest.raises(Misconfigured, match=r"^JWT_ORG_B: expected a token .* both are of A"):
        given_users(load_target(environment_target()))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BACKEND_URL", "http://me:marked-pw@127.0.0.1:9", "a user or password"),
        ("BACKEND_URL", "http://127.0.0.1:9/?key=marked-pw", "a query"),
        ("BACKEND_URL", "http://127.0.0.1:9/#x", "a fragment"),
        ("BACKEND_URL", " http://127.0.0.1:9", "blanks at its beginning or end"),
        ("BACKEND_URL", "http://127.0.0.1:9\n", "a line end"),
        ("BACKEND_URL", "'http://127.0.0.1:9'", "quotes"),
        ("BACKEND_URL", "127.0.0.1:9", "did you mean http://127.0.0.1:9?"),
        ("BACKEND_URL", "ftp://127.0.0.1", "expected http://… or https://…"),
        ("BACKEND_URL", "http://127.0.0.1:99999", "ort out of range"),
        ("BACKEND_URL", "http://:80", "a host"),
        ("JWT_TOKEN", "Bearer marked-token", "begins with `Bearer `"),
        ("JWT_TOKEN", "marked-token\n", "a line end"),
        ("JWT_ORG_A", '"marked-token"', "quotes"),
        ("JWT_ORG_B", "marked token", "blanks"),
        ("JOB_ID", "'7'", "quotes"),
        ("JOB_ID_ORG_B", "7\r\n", "a line end"),
    ],
)
def test_what_was_pasted_wrong_is_refused_with_its_name_and_without_its_text(
    environment: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    set_all(environment)
    environment.setenv(name, value)
    with pytest.raises(Misconfigured, match=f"^the variable {name}: expected ") as refused:
        load_target(environment_target())
    assert said in str(refused.value)
    assert "marked" not in str(refused.value)
    assert ".toml" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9",
        "HTTPS://staging.example/",
        "http://[::1]:80/v1",
        "https://host.example/a/b%20c/",
    ],
)
def test_addresses_of_backends_are_taken(environment: pytest.MonkeyPatch, url: str) -> None:
    set_all(environment)
    environment.setenv("BACKEND_URL", url)
    assert load_target(environment_target()).api.base_urls == (url,)


def test_the_names_of_variables_are_those_that_the_bundled_files_read() -> None:
    _, tenants = ENVIRONMENT_TARGETS
    values = tomllib.loads(tenants.read_text(encoding="utf-8"))
    for path, name in VARIABLES.items():
        value: Any = values
        for key in path:
            value = value[key]
        assert value in {f"{{env:{name}}}", f"{{env:{name}?}}"}
