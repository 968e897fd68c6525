"""A run is refused where the configuration can be at fault; what else is wrong is a finding."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from aiohttp import web

from harness.client import Organizations
from harness.errors import Inconclusive, Misconfigured
from harness.plugin.session.preflight import refuse_expired_tokens, try_tokens
from harness.signing.signing_key import SigningKey
from harness.target import Target, load_target
from tests.web_server import serving

SECRET = "0123456789abcdef0123456789abcdef"

GIVEN = """\
name = "staging"
driver = "external"
api.base_urls = ["{url}"]
tokens.given = {{ token = "{token}" }}
"""
MINTED_ELSEWHERE = f"""\
name = "staging"
driver = "external"
api.base_urls = ["{{url}}"]
tokens.mint = {{{{ secret = "{SECRET}", claims = {{{{ sub = "{{{{user}}}}" }}}} }}}}
"""
HANDED_OUT = f"""\
name = "mine"
api = {{{{ command = ["serve"], environment = {{{{ SECRET = "{{{{jwt_secret}}}}" }}}} }}}}
tokens.mint = {{{{ secret = "{SECRET}", claims = {{{{ sub = "{{{{user}}}}" }}}} }}}}
"""
NOT_HANDED_OUT = HANDED_OUT.replace("{{jwt_secret}}", "of-its-own")


def token(lasts_s: float = 60) -> str:
    claims = {
        "sub": "u",
        "app_metadata": {"organization_id": "o"},
        "exp": int(time.time() + lasts_s),
    }
    return jwt.encode(claims, SECRET)


class Backend:
    """Answers every request with one status, and counts them."""

    def __init__(self) -> None:
        self.status, self.asked, self.url = 200, 0, ""

    async def handle(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response({"data": []}, status=self.status)


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    made = Backend()
    async with serving(made.handle) as made.url:
        yield made


def target_of(folder: Path, text: str, url: str, given: str = "") -> Target:
    file = folder / "shakedown.toml"
    file.write_text(text.format(url=url, token=given or token()), encoding="utf-8")
    return load_target(file)


async def tried(target: Target, url: str) -> None:
    async with Organizations.of(target, [url]) as organizations:
        await try_tokens(target, organizations)


@pytest.mark.parametrize("text", [GIVEN, MINTED_ELSEWHERE, NOT_HANDED_OUT])
async def test_a_token_that_the_harness_cannot_vouch_for_is_refused_before_the_checks(
    backend: Backend, tmp_path: Path, text: str
) -> None:
    backend.status = 401
    with pytest.raises(Misconfigured, match=r"tokens\.(given\.token|mint): expected the backend"):
        await tried(target_of(tmp_path, text, backend.url), backend.url)


@pytest.mark.parametrize("text", [GIVEN, MINTED_ELSEWHERE, NOT_HANDED_OUT])
@pytest.mark.parametrize("status", [200, 403, 500, 503])
async def test_any_other_answer_is_for_the_checks(
    backend: Backend, tmp_path: Path, text: str, status: int
) -> None:
    backend.status = status
    await tried(target_of(tmp_path, text, backend.url), backend.url)
    assert backend.asked == 1


async def test_a_backend_that_was_given_the_secret_must_take_its_tokens(
    backend: Backend, tmp_path: Path
) -> None:
    backend.status = 401
    await tried(target_of(tmp_path, HANDED_OUT, backend.url), backend.url)
    assert backend.asked == 0


async def test_the_tokens_of_a_command_are_tried_before_the_checks(
    backend: Backend, tmp_path: Path
) -> None:
    text = (
        'name = "staging"\ndriver = "external"\napi.base_urls = ["{url}"]\n'
        'tokens.command = {{ command = ["printf", "{{user}}"] }}\n'
    )
    target = target_of(tmp_path, text, backend.url)
    await tried(target, backend.url)
    assert backend.asked == 1
    backend.status = 401
    with pytest.raises(Misconfigured, match=r"tokens\.command: expected the backend to take the"):
        await tried(target, backend.url)


@pytest.mark.parametrize("how", ["jwks_url", "jwks_file", "jwt_public_key", ""])
async def test_a_backend_that_was_given_the_public_keys_must_take_its_tokens(
    backend: Backend, tmp_path: Path, how: str
) -> None:
    backend.status = 401
    text = HANDED_OUT.replace("{{jwt_secret}}", f"{{{{{how}}}}}" if how else "of-its-own")
    text = text.replace(f'secret = "{SECRET}"', 'algorithm = "ES256"')
    key = SigningKey.made("ES256")
    target = target_of(tmp_path, text, backend.url).signing_with(key)
    if how:
        await tried(target, backend.url)
        assert backend.asked == 0
    else:
        with pytest.raises(Misconfigured, match="are secret or private key, algorithm, kid, aud"):
            await tried(target, backend.url)


def test_a_given_token_that_has_run_out_is_refused_by_its_own_word(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9"
    refuse_expired_tokens(target_of(tmp_path, GIVEN, url))
    refuse_expired_tokens(target_of(tmp_path, GIVEN, url, "opaque-token"))
    expired = target_of(tmp_path, GIVEN, url, token(-1))
    with pytest.raises(Misconfigured, match=r"tokens\.given\.token: the token ran out at 20"):
        refuse_expired_tokens(expired)


async def test_a_token_that_runs_out_in_the_middle_of_the_run_is_nobodys_fault(
    backend: Backend, tmp_path: Path
) -> None:
    backend.status = 401
    for lasts_s in (60, -1):
        target = target_of(tmp_path, GIVEN, backend.url, token(lasts_s))
        async with Organizations.of(target, [backend.url]) as organizations:
            org = await organizations.new()
            if lasts_s > 0:
                assert (await org.client.call("listJobs")).status == 401
                continue
            with pytest.raises(Inconclusive, match=r"ran out at 20.* in the middle of the run"):
                await org.client.call("listJobs")
            with pytest.raises(Inconclusive, match=r"ran out at 20.* in the middle of the run"):
                await org.client.authorization()  # what requests sent by hand begin with
            forged = organizations.with_token(token(-2))
            assert (await forged.call("listJobs")).status == 401, "a check's own token is its own"
