"""Organizations that the backend makes: which calls are made, what comes of answers that fail."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from aiohttp import web

from harness.client import Organizations, Routes, TokenRecipe, Transport
from harness.client.tenants.provisioning import Provisioner
from harness.client.tenants.tenants import TenantEntry
from harness.errors import CheckFailed, Inconclusive, Misconfigured
from harness.redaction.redactor import Redactor
from harness.target.tokens.token_calls import CalledTokens
from harness.target.tokens.token_tenants import TenantCalls
from tests.web_server import serving

SAID = {
    "admin_token": "open-sesame-0815",
    "headers": {"Authorization": "Bearer {admin_token}"},
    "role_names": {"viewer": "guest"},
    "deadline_s": 0.5,
    "organization": {
        "path": "/tenants",
        "body": {"name": "{name}", "literal": "{{name}}"},
        "gives": {"organization": "/made/id"},
    },
    "user": {
        "path": "/tenants/{organization}/people",
        "body": {"role": "{role}", "mail": "{unique}@example.org"},
        "success": (201,),
        "gives": {"user": "/id"},
    },
    "sign_in": {
        "path": "/sign-in",
        "headers": {},
        "body": {"person": "{user}", "mail": "{unique}@example.org"},
        "gives": {"token": "/bearer"},
    },
}


@dataclass
class Backend:
    """Makes tenants and people; `broken` tells, by path, what it answers instead."""

    url: str = ""
    seen: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    broken: dict[str, web.Response | float] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.seen.append((request.raw_path, body, request.headers.get("authorization", "")))
        instead = self.broken.get(request.path)
        if isinstance(instead, web.Response):
            return instead
        if instead is not None:
            await asyncio.sleep(instead)
        match request.path.split("/")[1:]:
            case ["tenants"]:
                return web.json_response({"made": {"id": 17}})
            case ["sign-in"]:
                return web.json_response({"bearer": f"issued-to-{body['person']}"})
        number = len([path for path, *_ in self.seen if path.endswith("people")])
        return web.json_response({"id": f"p-{number}"}, status=201)


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    made = Backend()
    async with serving(made.handle, shutdown_timeout=0) as made.url:
        yield made


@dataclass
class Learned:
    """What was told to be secret."""

    tokens: list[str] = field(default_factory=list)


def organizations(
    backend: Backend, learned: Learned | None = None, *, hands_out: bool = False
) -> Organizations:
    transport = Transport([backend.url])
    learn = (learned or Learned()).tokens.extend
    tokens = CalledTokens.model_validate(SAID)
    caller = Provisioner(tokens=tokens, transport=transport, learn=learn, hands_out=hands_out)
    return Organizations(transport, Routes({}), None, provisioner=caller)


async def test_each_call_knows_what_the_calls_before_have_given(backend: Backend) -> None:
    learned = Learned()
    async with organizations(backend, learned) as made:
        org = await made.new("north wing")
    assert org.id == "17"
    assert org.users == {"owner": "p-1", "member": "p-2", "viewer": "p-3"}
    assert org.tokens == {role: f"issued-to-{user}" for role, user in org.users.items()}
    assert org.client.token == "issued-to-p-2"
    assert org.is_fresh
    assert learned.tokens == list(org.tokens.values())
    (first, *others) = backend.seen
    assert first == (
        "/tenants",
        {"name": "north wing", "literal": "{name}"},
        "Bearer open-sesame-0815",
    )
    assert [body["role"] for path, body, _ in others if "people" in path] == [
        "owner",
        "member",
        "guest",
    ]
    assert {path for path, *_ in others} == {"/tenants/17/people", "/sign-in"}
    mails = [body["mail"] for _, body, _ in others]
    assert mails[::2] == mails[1::2], "who signs in is who was made"
    assert len(set(mails)) == 3
    assert {sent for path, _, sent in others if path == "/sign-in"} == {""}


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        (
            "/tenants",
            web.Response(status=403, text="no open-sesame-0815 here"),
            r"\[tokens\.calls\.organization\] POST /tenants: expected 200 or 201, got 403 to POST",
        ),
        (
            "/tenants",
            web.json_response({"id": "x", "made": {}}),
            r"expected organization at '/made/id', got nothing there; the answer has \['id', 'mad",
        ),
        ("/tenants", web.Response(text="<html>"), "organization at .*an answer that is not JSON"),
        ("/tenants", 5.0, r"\[tokens\.calls\.organization\].*an answer.*within 0\.5 s, got none"),
        (
            "/tenants",
            web.Response(body=b" " * 8_000_000, content_type="application/json"),
            r"\[tokens\.calls\.organization\].*bytes",
        ),
        (
            "/tenants/17/people",
            web.json_response({"id": "p", "token": "not-to-be-shown"}, status=200),
            r"\[tokens\.calls\.user\] POST /tenants/\{organization\}/people: expected 201, got 200",
        ),
        (
            "/sign-in",
            web.json_response({"secret": "not-to-be-shown"}),
            r"\[tokens\.calls\.sign_in\].*token at '/bearer', got nothing there.*\['secret'\]",
        ),
        (
            "/sign-in",
            web.json_response({"bearer": "not-to-be-shown\n"}),
            r"\[tokens\.calls\.sign_in\].*printable characters, got 16",
        ),
    ],
)
async def test_a_call_that_fails_is_named(
    backend: Backend, path: str, answer: web.Response | float, told: str
) -> None:
    backend.broken[path] = answer
    async with organizations(backend) as made:
        with pytest.raises(Misconfigured, match=told) as caught:
            await made.new("x")
    assert "not-to-be-shown" not in str(caught.value)
    assert "open-sesame" not in Redactor(["open-sesame-0815"])(str(caught.value))


async def test_claims_of_ones_own_choosing_are_inconclusive(backend: Backend) -> None:
    async with organizations(backend) as made:
        assert not made.can_mint
        with pytest.raises(Inconclusive, match=r"takes \[tokens\.mint\].*\[tokens\.calls\]"):
            _ = made.recipe


@pytest.mark.parametrize(
    ("path", "status", "hands_out", "raised"),
    [
        ("/tenants", 500, False, CheckFailed),
        ("/sign-in", 503, False, CheckFailed),
        ("/tenants", 401, True, CheckFailed),
        ("/tenants", 401, False, Misconfigured),
        ("/tenants", 404, True, Misconfigured),
        ("/sign-in", 401, True, Misconfigured),
    ],
)
async def test_what_only_the_backend_can_be_at_fault_for_is_a_finding(
    backend: Backend, path: str, status: int, hands_out: bool, raised: type[Exception]
) -> None:
    backend.broken[path] = web.Response(status=status)
    async with organizations(backend, hands_out=hands_out) as made:
        with pytest.raises(raised, match=r"\[tokens\.calls\."):
            await made.new("x")


async def test_tenants_are_entered_by_calls_with_ids_of_ours_or_of_theirs(
    backend: Backend,
) -> None:
    entered = TenantCalls.model_validate(
        {
            "admin_token": "open-sesame-0815",
            "headers": {"Authorization": "Bearer {admin_token}"},
            "organization": {"path": "/tenants", "body": {"id": "{organization}"}},
            "user": {
                "path": "/tenants/{organization}/people",
                "body": {"id": "{user}", "role": "{role}"},
                "gives": {"user": "/id"},
            },
        }
    )
    transport = Transport([backend.url])
    caller = Provisioner(tokens=entered, transport=transport, learn=lambda _: None)
    tenants = TenantEntry(by=caller, role_names={"viewer": "guest"})
    recipe = TokenRecipe(
        secret="a secret of at least thirty-two bytes",
        algorithm="HS256",
        audience=None,
        issuer=None,
        lifetime_s=60,
        claims={"sub": "{user}"},
    )
    async with Organizations(transport, Routes({}), recipe, tenants=tenants) as made:
        org = await made.new("north wing")
    (first, *others) = backend.seen
    assert first == ("/tenants", {"id": org.id}, "Bearer open-sesame-0815")
    assert {path for path, *_ in others} == {f"/tenants/{org.id}/people"}
    assert [body["role"] for _, body, _ in others] == ["owner", "member", "guest"]
    assert org.users == {"owner": "p-1", "member": "p-2", "viewer": "p-3"}
    token = jwt.decode(org.tokens["viewer"], options={"verify_signature": False})
    assert token["sub"] == "p-3"


async def test_a_call_that_enters_nobody_is_named(backend: Backend) -> None:
    backend.broken["/tenants"] = web.json_response({}, status=404)
    entered = TenantCalls.model_validate({"organization": {"path": "/tenants", "body": {}}})
    transport = Transport([backend.url])
    caller = Provisioner(tokens=entered, transport=transport, learn=lambda _: None)
    with pytest.raises(Misconfigured, match=r"\[tokens.tenants.calls.organization\] POST /tenants"):
        await caller.enter("x", "o-1", {"owner": "u-1"}, {})
    await transport.close()
