"""The attacker's server of keys: what is fetched from it is seen, and is a finding."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp

from contracts.tenancy.check_tokens import expect_nothing_fetched
from contracts.tenancy.requests.credentials import another_key
from contracts.tenancy.requests.key_listener import KeyListener, attacking_keys
from harness.client import Organizations, Routes, TokenRecipe, Transport
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.signing.signing_key import SigningKey
from harness.system import System


@dataclass
class _System:
    harness_host: str | None = "127.0.0.1"


def organizations(*, with_key: bool = True) -> Organizations:
    recipe = TokenRecipe(
        secret="a secret of at least thirty-two bytes",
        key=SigningKey.made("ES256") if with_key else None,
        algorithm="ES256" if with_key else "HS256",
        audience=None,
        issuer=None,
        lifetime_s=60,
        claims={},
    )
    return Organizations(Transport(["http://127.0.0.1:1"]), Routes({}), recipe)


def system(host: str | None = "127.0.0.1") -> System:
    return cast("System", _System(host))


async def fetched(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()


async def judged(listener: KeyListener) -> list[tuple[str, str]]:
    cells, observe = Cells(check_id="own.check", check_path=Path(__file__)), Observations()
    await expect_nothing_fetched(listener, cells, observe)
    assert observe.count + len(cells.findings) == 3
    return [(found.rule, found.subject) for found in cells.findings]


async def test_a_fetch_is_seen_and_gets_the_attackers_key() -> None:
    attacker: dict[str, Any] = another_key("ES256").jwk
    async with attacking_keys(organizations(), system()) as listener:
        assert listener.is_reachable
        assert await judged(listener) == []
        assert json.loads(await fetched(f"{listener.url}/jku")) == {"keys": [attacker]}
        assert await fetched(f"{listener.url}/x5u") == another_key("ES256").public_pem
    assert listener.fetched == ["/jku", "/x5u"]
    rule = "tokens.fetches-nothing"
    assert await judged(listener) == [(rule, "jku"), (rule, "x5u")]


async def test_nothing_is_served_where_nobody_could_ask() -> None:
    for made, host in ((organizations(), None), (organizations(with_key=False), "127.0.0.1")):
        async with attacking_keys(made, system(host)) as listener:
            assert not listener.is_reachable


async def test_that_nothing_was_fetched_shows_nothing_where_nobody_could_ask() -> None:
    cells, observe = Cells(check_id="own.check", check_path=Path(__file__)), Observations()
    async with attacking_keys(organizations(), system(None)) as listener:
        await expect_nothing_fetched(listener, cells, observe)
    counts = cells.counts()
    assert (counts.looked_at, counts.findings, counts.not_looked_at) == (0, 0, 3)
    assert "let one instance run on loopback" in counts.reasons[0][0]
    assert observe.count == 0
