"""A backend that is named by environment variables alone."""

import pytest

from harness.client import Organizations
from harness.client.given_tokens import given_users
from harness.errors import Inconclusive, Misconfigured
from harness.target import Capability, load_target
from harness.target.environment import ONE_USER, TWO_TENANTS, environment_target
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


@pytest.mark.parametrize("name", [*ONE_USER, *TWO_TENANTS])
@pytest.mark.parametrize("state", ["empty", "not set"])
def test_a_variable_that_is_missing_is_refused_by_name(
    environment: pytest.MonkeyPatch, name: str, state: str
) -> None:
    set_all(environment)
    if state == "empty":
        environment.setenv(name, "")
    else:
        environment.delenv(name)
    with pytest.raises(Misconfigured, match=rf"environment.*\.toml:\d+: .*{name} is {state}"):
        load_target(environment_target())


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
    with pytest.raises(Misconfigured, match=r"tokens\.given\.org_b: expected a JWT"):
        given_users(load_target(environment_target()))


def test_two_tokens_of_one_organization_are_refused(environment: pytest.MonkeyPatch) -> None:
    set_all(environment)
    environment.setenv("JWT_ORG_B", token_of("A"))
    with pytest.raises(Misconfigured, match=r"org_b: expected a token of another .* both are of A"):
        given_users(load_target(environment_target()))
