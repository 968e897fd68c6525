import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import jwt
import pytest

from harness.client.tokens.tokens import mint, recipe_of
from harness.errors import Misconfigured
from harness.machine.ports import LOOPBACK
from harness.signing.signing_key import SigningKey
from harness.system.key_server import KeyServer
from harness.system.token_keys import TokenKeys
from harness.target import Target, load_target
from tests.target_files import write

TARGET = """\
name = "mine"
[api]
command = ["{python}"]
[tokens.mint]
algorithm = "ES256"
claims = { sub = "{user}" }
"""


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return load_target(write(tmp_path, TARGET))


def run_dir(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    return made


def test_all_processes_of_a_run_sign_with_one_key(tmp_path: Path, target: Target) -> None:
    place = run_dir(tmp_path)
    made = TokenKeys.of(target, place)
    assert made
    again = TokenKeys.attach(target, place)
    assert again
    assert again.key.public_pem == made.key.public_pem
    assert again.key.key_id == made.key.key_id
    recipe = recipe_of(target.signing_with(again.key))
    token = mint(recipe, user="u-1", organization="o-1", role="owner")
    assert jwt.get_unverified_header(token)["kid"] == made.key.key_id
    shown = made.shown_at(None)
    (public,) = json.loads(shown.file.read_text())["keys"]
    claims = jwt.decode(token, jwt.PyJWK(public).key, algorithms=["ES256"])
    assert claims["sub"] == "u-1"
    assert jwt.decode(token, shown.public_pem, algorithms=["ES256"]) == claims


def test_the_private_key_is_for_its_owner_alone_and_the_public_one_for_all(
    tmp_path: Path, target: Target
) -> None:
    place = run_dir(tmp_path)
    made = TokenKeys.of(target, place)
    assert made
    modes = {
        path.name: path.stat().st_mode & 0o777
        for path in (*place.iterdir(), made.shown_at(None).file)
    }
    assert modes == {"token-key.pem": 0o600, "token-keys": 0o755, "jwks.json": 0o644}


def test_a_given_key_is_kept_in_no_file_and_has_the_given_kid(tmp_path: Path) -> None:
    key = SigningKey.made("ES256")
    text = f'{TARGET}private_key_file = "key.pem"\nkid = "k7"\n'
    (tmp_path / "key.pem").write_text(key.private_pem)
    target = load_target(write(tmp_path, text))
    place = run_dir(tmp_path)
    made = TokenKeys.of(target, place)
    assert made
    assert made.key.public_pem == key.public_pem
    assert made.key.key_id == "k7"
    assert not (place / "token-key.pem").exists()
    again = TokenKeys.attach(target, place)
    assert again
    assert again.key.key_id == "k7"


def test_tokens_with_a_secret_have_no_keys(tmp_path: Path) -> None:
    text = TARGET.replace('algorithm = "ES256"', 'secret = "hush-hush-hush-hush-hush-hush-hush"')
    target = load_target(write(tmp_path, text))
    assert TokenKeys.of(target, run_dir(tmp_path)) is None
    assert TokenKeys.attach(target, tmp_path / "run") is None


def test_before_a_run_has_its_keys_nothing_can_be_minted(target: Target) -> None:
    with pytest.raises(Misconfigured, match="made when its system is launched"):
        recipe_of(target)


def get(url: str) -> tuple[int, bytes, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status, answer.read(), answer.headers["content-type"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers["content-type"]


def test_the_server_gives_the_set_and_nothing_else_and_leaves_its_port() -> None:
    key = SigningKey.made("ES256")
    server = KeyServer.start(key.jwks, LOOPBACK)
    try:
        assert get(server.url) == (200, key.jwks.encode(), "application/jwk-set+json")
        status, body, _ = get(server.url.replace("/.well-known/jwks.json", "/etc/passwd"))
        assert (status, body) == (404, b"")
        port = int(server.url.split(":")[2].partition("/")[0])
        # One that says nothing keeps nobody waiting.
        with socket.create_connection((LOOPBACK, port), timeout=5):
            assert get(server.url)[0] == 200
    finally:
        server.close()
    server.close()
    with pytest.raises(OSError):
        socket.create_connection((LOOPBACK, port), timeout=5)


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(Misconfigured, match="the keys of tokens cannot be served at 192"):
        KeyServer.start("{}", "192.0.2.1")
