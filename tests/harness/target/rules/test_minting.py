"""What `[tokens.mint]` may say, and what it must not say, each refused with its line."""

from pathlib import Path

import pytest

from harness.signing.signing_key import SigningKey
from harness.target import load_target
from tests.target_files import refusals, write

KEYS = """\
name = "mine"
[api]
command = ["{python}", "api.py", "--port={port}"]
[api.environment]
KEYS = "{jwks_url}"
KEY_FILE = "{jwks_file}"
KEY = "{jwt_public_key}"
[tokens.mint]
algorithm = "ES256"
claims = { sub = "{user}" }
"""
EXTERNAL = """\
name = "mine"
driver = "external"
[api]
base_urls = ["http://127.0.0.1:9"]
[tokens.mint]
algorithm = "ES256"
claims = { sub = "{user}" }
"""
ES256 = SigningKey.made("ES256")


def test_a_key_pair_needs_nothing_but_its_algorithm(tmp_path: Path) -> None:
    target = load_target(write(tmp_path, KEYS))
    assert target.tokens.mint
    assert target.tokens.mint.makes_keys
    assert target.signing_key is None  # until a run makes it
    assert target.hands_out_keys
    key = SigningKey.made("ES256")
    signing = target.signing_with(key)
    assert signing.signing_key is key
    assert key.private_pem in signing.secrets
    assert key.private_pem not in target.secrets


@pytest.mark.parametrize("is_file", [False, True])
def test_a_private_key_is_read_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_file: bool
) -> None:
    monkeypatch.setenv("MY_KEY", ES256.private_pem)
    (tmp_path / "key.pem").write_text(ES256.private_pem)
    line = 'private_key_file = "key.pem"' if is_file else 'private_key = "{env:MY_KEY}"'
    target = load_target(write(tmp_path, f'{EXTERNAL}{line}\nkid = "k7"\n'))
    assert target.signing_key
    assert target.signing_key.public_pem == ES256.public_pem
    assert target.signing_key.key_id == "k7"
    assert ES256.private_pem in target.secrets
    assert not target.hands_out_keys


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'algorithm = "ES256"',
            'algorithm = "ES257"',
            """9: tokens.mint.algorithm: expected one of 'HS256', 'HS384', 'HS512', 'RS256',""",
        ),
        (
            'algorithm = "ES256"',
            'algorithm = "ES256"\nsecret = "hush-hush"',
            '10: tokens.mint.secret: algorithm = "ES256" signs with a private key, so there is no',
        ),
        (
            'algorithm = "ES256"',
            'algorithm = "HS256"',
            '8: tokens.mint.secret: missing; algorithm = "HS256" signs with a secret',
        ),
        (
            'algorithm = "ES256"',
            'algorithm = "HS256"\nsecret = "hush-hush"',
            "5: api.environment.KEYS: unknown placeholder {jwks_url}; expected one of",
        ),
        (
            'algorithm = "ES256"',
            'algorithm = "HS256"\nsecret = "hush-hush"\nprivate_key = "hush-hush"',
            '11: tokens.mint.private_key: algorithm = "HS256" has no key pair; remove it',
        ),
        (
            "KEYS = ",
            'SECRET = "{jwt_secret}"\nKEYS = ',
            "5: api.environment.SECRET: unknown placeholder {jwt_secret}; expected one of",
        ),
        ('"{jwks_url}"', '"{jwks_uri}"', "5: api.environment.KEYS: unknown placeholder {jwks_uri}"),
        (
            'algorithm = "ES256"',
            'algorithm = "ES256"\nkid = ""',
            '10: tokens.mint.kid: expected at least 1 characters, got ""',
        ),
        (
            'algorithm = "ES256"',
            'algorithm = "ES256"\nkid = 7',
            "10: tokens.mint.kid: expected a text in quotes, got",
        ),
        (
            'algorithm = "ES256"',
            'algorithm = "ES256"\nprivate_key = "hush-hush"',
            "10: tokens.mint.private_key: expected a private key for ES256, got a text that is",
        ),
        (
            'algorithm = "ES256"',
            'algorithm = "ES256"\nprivate_key_file = "not-there.pem"',
            "10: tokens.mint.private_key_file: expected a file beside the target file",
        ),
        (
            'algorithm = "ES256"',
            'algorithm = "RS256"\nprivate_key_file = "key.pem"',
            "10: tokens.mint.private_key_file: expected a private key for RS256, got a key on the",
        ),
        (
            'algorithm = "ES256"',
            'algorithm = "ES256"\nprivate_key = "x"\nprivate_key_file = "key.pem"',
            "11: tokens.mint.private_key_file: private_key is there, too; expected one of them",
        ),
    ],
)
def test_a_wrong_declaration_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert KEYS.count(old) == 1
    (tmp_path / "key.pem").write_text(ES256.private_pem)
    found = refusals(tmp_path, KEYS.replace(old, new))
    assert any(line.startswith(f"shakedown.toml:{expected}") for line in found), found
    assert not any("hush" in line for line in found)
    assert not any(ES256.private_pem.splitlines()[1] in line for line in found)


def test_what_keys_need_is_said_with_an_unknown_placeholder(tmp_path: Path) -> None:
    with_secret = KEYS.replace('algorithm = "ES256"', 'secret = "hush-hush"')
    (first, *_) = refusals(tmp_path, with_secret)
    assert first.endswith('; {jwks_url} needs [tokens.mint] with an algorithm such as "ES256"')


def test_a_backend_that_runs_elsewhere_has_keys_of_its_own(tmp_path: Path) -> None:
    (only,) = refusals(tmp_path, EXTERNAL)
    assert only.startswith(
        'shakedown.toml:5: tokens.mint.private_key: missing; driver = "external"'
    )
    assert "{env:NAME}" in only
    assert "a key on the curve secp256r1" in only
