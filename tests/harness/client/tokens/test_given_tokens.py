"""Whose a ready-made token is: a claim says it, or the target file."""

from pathlib import Path

import jwt
import pytest

from harness.client.tokens.given_tokens import UNKNOWN, given_users
from harness.errors import Misconfigured
from harness.target import Target, load_target
from tests.target_files import refusals, write

HEAD = 'name = "x"\ndriver = "external"\napi.base_urls = ["http://127.0.0.1:1"]\n[tokens.given]\n'


def _token(**claims: object) -> str:
    return jwt.encode({"sub": "u", **claims}, "s" * 32, algorithm="HS256")


def _target(folder: Path, lines: str) -> Target:
    return load_target(write(folder, HEAD + lines))


def test_the_target_file_says_what_the_backend_looks_up(tmp_path: Path) -> None:
    [user] = given_users(_target(tmp_path, f'token = "{_token()}"\norganization = "o-1"\n'))
    assert (user.id, user.organization) == ("u", "o-1")


@pytest.mark.parametrize("organization", ["o-2", 7])
def test_another_claim_names_it(tmp_path: Path, organization: object) -> None:
    lines = f'token = "{_token(org=organization)}"\norganization_claim = "/org"\n'
    assert given_users(_target(tmp_path, lines))[0].organization == str(organization)


def test_two_are_told_apart(tmp_path: Path) -> None:
    lines = "\n".join(f'{each} = "{_token()}"' for each in ("token", "org_a", "org_b"))
    lines += '\norganization_a = "a"\norganization_b = "b"\n'
    assert [user.organization for user in given_users(_target(tmp_path, lines))] == ["a", "b"]
    same = lines.replace('organization_b = "b"', 'organization_b = "a"')
    with pytest.raises(Misconfigured, match="both are of a"):
        given_users(_target(tmp_path, same))


def test_where_nothing_says_it_the_line_to_write_is_told(tmp_path: Path) -> None:
    target = _target(tmp_path, f'token = "{_token()}"\n')
    with pytest.raises(Misconfigured, match=r'organization = "…"'):
        given_users(target)
    [user] = given_users(target, may_be_unknown=True)
    assert user.organization == UNKNOWN


def test_an_organization_of_no_token_is_refused(tmp_path: Path) -> None:
    lines = 'token = "t"\norganization_b = "b"\norganization = "a b"\norganization_claim = "org"\n'
    told = "\n".join(refusals(tmp_path, HEAD + lines))
    assert "tokens.given.organization_claim" in told
    told = "\n".join(refusals(tmp_path, HEAD + lines.replace('claim = "org"', 'claim = "/org"')))
    assert "tokens.given.organization_b: says whose org_b is, and there is no org_b" in told
    assert "tokens.given.organization: expected the id alone" in told
