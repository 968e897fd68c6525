"""Organizations whose tokens were given: who asks for them, and what counts as theirs alone."""

import jwt
import pytest

from contracts.tenancy.requests.credentials import ANOTHER_SECRET, forged_from
from contracts.tenancy.requests.personas import personas, representative, writers
from harness.client import Organizations
from harness.target import Target, load_target
from harness.target.environment import ONE_USER, TWO_TENANTS, environment_target
from tests.given_tokens import token_of


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Target:
    tokens = [token_of(organization) for organization in ("A", "B")]
    values = ("http://127.0.0.1:9", tokens[0], "job", *tokens, "a", "b")
    for name, value in zip((*ONE_USER, *TWO_TENANTS), values, strict=True):
        monkeypatch.setenv(name, value)
    return load_target(environment_target())


async def test_the_given_user_and_those_whom_nobody_needs_a_secret_to_be(target: Target) -> None:
    async with Organizations.of(target, target.api.base_urls) as organizations:
        org = await organizations.new()
        people = personas(organizations, org)
    given = representative(people)
    assert writers(people) == [given]
    assert given.client.token == org.client.token
    refused = {name: one for name, one in people.items() if one.refused == 401}
    assert set(refused) == {"no token", "wrong key", "alg: none"}
    for name in ("wrong key", "alg: none"):
        token = refused[name].client.token or ""
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["app_metadata"] == {"organization_id": "A"}
    forged = refused["wrong key"].client.token or ""
    assert jwt.decode(forged, ANOTHER_SECRET, algorithms=["HS256"])["sub"] == "user of A"


def test_a_token_that_is_no_jwt_can_at_least_be_changed() -> None:
    assert forged_from("opaque") == {"a letter changed": "opaaue"}
    assert forged_from("opaaue") == {"a letter changed": "opabue"}
