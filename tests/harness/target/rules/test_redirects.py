"""`[contract.redirects]`: what it may say, and what contradicts it."""

from pathlib import Path

import pytest

from harness.guard import Guard
from harness.guard.watch import Refused
from harness.target import load_target
from tests.target_files import refusals, write

MINIMAL = """\
name = "mine"
driver = "external"
api = { base_urls = ["http://127.0.0.1:8000"] }
tokens.given = { token = "t" }
"""
DECLARED = '[contract.redirects]\nhosts = ["storage.example.net", "[::1]"]\nexpires_s = 60\n'
REDIRECTS = "[contract.operations.downloadExport]\nsuccess = [200, 302, 303, 307]\n"


def test_hosts_seconds_and_the_operations_that_redirect(tmp_path: Path) -> None:
    contract = load_target(write(tmp_path, MINIMAL + DECLARED + REDIRECTS)).contract
    assert contract.redirects is not None
    assert contract.redirects.hosts == ("storage.example.net", "[::1]")
    assert contract.redirects.expires_s == 60
    assert contract.operations["downloadExport"].success == (200, 302, 303, 307)


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (REDIRECTS, 6, "302: a redirect needs [contract.redirects], with hosts"),
        (DECLARED, 5, "no operation redirects; write success = [302] into [contract.operations."),
        (
            f"{DECLARED}[contract.operations.createJob]\nsuccess = [303]\n{REDIRECTS}",
            9,
            "303 is a redirect to bytes, which createJob does not give; only getEvidenceContent",
        ),
        (
            f'{DECLARED}{REDIRECTS}method = "POST"\n',
            9,
            "302: only a GET is redirected, and method is POST",
        ),
        (
            DECLARED + REDIRECTS.replace("307", "308"),
            9,
            "got 308; a signed address ends, so a redirect to it must not last",
        ),
        (DECLARED + REDIRECTS.replace("307", "404"), 9, "or 302, 303, 307 for a redirected"),
        (DECLARED.replace("[::1]", "*.example.net") + REDIRECTS, 6, "is a wildcard"),
        (DECLARED.replace("[::1]", "https://a.net") + REDIRECTS, 6, "has a scheme"),
        (DECLARED.replace("[::1]", "127.0.0.1:9000") + REDIRECTS, 6, "has a port"),
        (DECLARED.replace("60", "0") + REDIRECTS, 7, "more than 0"),
        ("[contract.redirects]\nhosts = []\n" + REDIRECTS, 6, "at least 1"),
        ("[contract.redirects]\nhosts = []\n" + REDIRECTS, 5, "expires_s: missing"),
        (DECLARED.replace("hosts", "host") + REDIRECTS, 6, "did you mean hosts?"),
    ],
)
def test_what_contradicts_it_has_its_line(tmp_path: Path, lines: str, line: int, said: str) -> None:
    found = refusals(tmp_path, MINIMAL + lines)
    assert any(each.startswith(f"shakedown.toml:{line}: ") and said in each for each in found), (
        found
    )


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    bad = DECLARED.replace("[::1]", "a b") + REDIRECTS.replace("307", "301")
    assert len(refusals(tmp_path, MINIMAL + bad)) == 2


@pytest.mark.parametrize("allowed", [("127.0.0.1",), ("127.0.0.1", "storage.example.net", "::1")])
async def test_load_needs_a_permission_for_the_hosts_of_redirects_too(
    tmp_path: Path, allowed: tuple[str, ...]
) -> None:
    chaos = f"[chaos]\nallowed_hosts = {list(allowed)}\n"
    file = write(tmp_path, MINIMAL + DECLARED + REDIRECTS + chaos)
    target = load_target(file, allow_faults=True)
    assert target.may_be_harmed == (len(allowed) == 3)

    async def resolve(host: str) -> frozenset[str]:
        return frozenset({host})

    guard = await Guard.of(target, resolve)
    if target.may_be_harmed:
        await guard.permit_load()
    else:
        with pytest.raises(Refused, match=r"storage\.example\.net must not be harmed"):
            await guard.permit_load()
