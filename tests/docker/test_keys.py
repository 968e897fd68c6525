"""Containers get the public keys of tokens: by URL from the harness, and as a file."""

import json

import jwt
import pytest

from harness.client.tokens.tokens import mint, recipe_of
from harness.containers.engine import Engine
from harness.machine.journal import Journal
from harness.system import launch

from .conftest import MakeTarget

pytestmark = pytest.mark.docker

_KEYS = """\
[api.environment]
KEYS_URL = "{jwks_url}"
KEYS_FILE = "{jwks_file}"
"""
_READ = (
    "import os, urllib.request as r; "
    "print(r.urlopen(os.environ['KEYS_URL'], timeout=5).read().decode()); "
    "print(open(os.environ['KEYS_FILE']).read())"
)


async def test_a_container_reads_the_keys_that_its_tokens_are_signed_with(
    engine: Engine, make_target: MakeTarget, journal: Journal, nothing_is_left: None
) -> None:
    target = make_target(
        ('secret = "hush-hush-hush-hush-hush-hush-hush"', 'algorithm = "EdDSA"'),
        ('SECRET = "{jwt_secret}"\n', ""),
        ("[api.environment]\n", _KEYS),
    )
    system = await launch(target, journal=journal)
    try:
        (instance,) = system.api
        container = engine.client.containers.get(instance.container)
        code, output = container.exec_run(["python3", "-c", _READ])
        assert code == 0, output
        by_url, from_file = map(json.loads, output.decode().splitlines())
        assert by_url == from_file
        token = mint(recipe_of(system.target), user="u-1", organization="o", role="owner")
        key = jwt.PyJWK(by_url["keys"][0]).key
        assert jwt.decode(token, key, algorithms=["EdDSA"])["sub"] == "u-1"
    finally:
        await system.close()
