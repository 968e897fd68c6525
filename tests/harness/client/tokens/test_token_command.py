"""A command's token is taken as it is printed; what goes wrong is told without what it printed."""

import asyncio
import time
from dataclasses import replace

import pytest

from harness.client import Client, Organizations, Routes, Transport
from harness.client.tokens.token_command import TokenCommand
from harness.client.tokens.token_source import RenewedToken
from harness.client.tokens.tokens import TokenRecipe, mint
from harness.errors import Inconclusive, Misconfigured
from harness.target.tokens.token_command import CommandTokens

pytestmark = pytest.mark.integration

SAY = "import sys; print('-'.join(sys.argv[1:]))"


def command(*words: str, learned: list[str] | None = None, **more: object) -> TokenCommand:
    tokens = CommandTokens.model_validate({"command": ("{python}", "-S", *words), **more})
    kept: list[str] = [] if learned is None else learned
    return TokenCommand(tokens=tokens, learn=kept.extend)


async def test_a_token_is_what_is_printed_for_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[str] = []
    words = ("-c", SAY, "{user}", "{organization}", "{role}")
    made = command(*words, learned=learned, role_names={"owner": "boss"})
    assert await made.token("u-1", "o-1", "owner") == "u-1-o-1-boss"
    assert learned == ["u-1-o-1-boss"]


async def test_its_environment_is_ours_and_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_US", "a")
    script = "import os; print(os.environ['FROM_US'] + os.environ['MORE'])"
    made = command("-c", script, environment={"MORE": "{role}"})
    assert await made.token("u", "o", "viewer") == "aviewer"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import sys; print('hush'); sys.exit('no such user')", "1; on standard error: no such us"),
        ("print()", "expected a token on standard output, got nothing"),
        ("print('hush hush')", "holds blanks, line ends or control characters"),
        ("print('Bearer hush-hush')", "it begins with `Bearer `"),
        ("print('hush' * 9000)", "expected a token of at most 8192 characters, got more"),
        ("input(); import time; time.sleep(60)", "it ended with 1"),
        ("import time; print('hush', flush=True); time.sleep(60)", "did not end within 1 s"),
    ],
)  # fmt: skip
async def test_what_goes_wrong_is_told_and_what_was_printed_is_not(
    script: str, expected: str
) -> None:
    timeout_s = 1.0 if "flush" in script else 30.0
    with pytest.raises(Misconfigured) as caught:
        await command("-c", script, timeout_s=timeout_s).token("u", "o", "owner")
    assert expected in str(caught.value)
    assert "[tokens.command] {python} (a token of the owner)" in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_a_program_that_is_not_there_is_told() -> None:
    tokens = CommandTokens(command=("no-such-program-0815",))
    with pytest.raises(Misconfigured, match="could not be started"):
        await TokenCommand(tokens=tokens, learn=lambda _: None).token("u", "o", "owner")


async def test_organizations_have_their_tokens_from_the_command() -> None:
    made_by = command("-c", SAY, "{organization}", "{role}")
    transport = Transport(["http://127.0.0.1:1"])
    async with Organizations(transport, Routes({}), None, command=made_by) as made:
        assert made.can_make_more
        assert not made.can_mint
        org = await made.new()
        assert org.tokens == {role: f"{org.id}-{role}" for role in ("owner", "member", "viewer")}


def expiring(lifetime_s: float) -> str:
    recipe = TokenRecipe(
        secret="a secret of at least thirty-two bytes",
        algorithm="HS256",
        audience=None,
        issuer=None,
        lifetime_s=lifetime_s,
        claims={"sub": "{user}"},
    )
    return mint(recipe, user=str(time.perf_counter()), organization="o", role="owner")


async def test_a_token_is_had_again_before_it_runs_out_and_once() -> None:
    asked: list[str] = []

    async def make(user: str, organization: str, role: str) -> str:
        asked.append(f"{user} {organization} {role}")
        await asyncio.sleep(0)
        return expiring(3600)

    def renewed(current: str) -> RenewedToken:
        return RenewedToken(
            make=make, user="u", organization="o", role="r", renew_before_s=60, current=current
        )

    assert await renewed(lasting := expiring(3600)).fresh() == lasting
    assert await renewed("opaque").fresh() == "opaque"
    assert asked == []
    over = renewed(expiring(-5))
    first, *others = await asyncio.gather(*(over.fresh() for _ in range(5)))
    assert {*others} == {first}
    assert asked == ["u o r"]


@pytest.mark.parametrize("other", [None, "another"])
async def test_a_client_that_was_given_another_token_sends_that_one(other: str | None) -> None:
    async def make(user: str, organization: str, role: str) -> str:
        raise AssertionError(f"nothing of {user}, {organization}, {role} has run out")

    renewed = RenewedToken(
        make=make, user="u", organization="o", role="r", renew_before_s=60, current="first"
    )
    transport = Transport(["http://127.0.0.1:1"])
    client = Client(transport=transport, routes=Routes({}), token="first", renewed=renewed)
    assert await client.authorization() == {"authorization": "Bearer first"}
    sent = await replace(client, token=other).authorization()
    assert sent == ({} if other is None else {"authorization": f"Bearer {other}"})
    await transport.close()


async def test_a_token_that_is_renewed_has_not_run_out() -> None:
    async def make(*_: str) -> str:
        return "second"

    first = expiring(-5)
    renewed = RenewedToken(
        make=make, user="u", organization="o", role="r", renew_before_s=60, current=first
    )
    async with Transport(["http://127.0.0.1:1"]) as transport:
        transport.lifetimes.note(first)
        client = Client(transport=transport, routes=Routes({}), token=first, renewed=renewed)
        assert await client.authorization() == {"authorization": "Bearer second"}
        with pytest.raises(Inconclusive, match="the token ran out"):
            await replace(client, renewed=None).authorization()
