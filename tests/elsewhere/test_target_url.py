"""`--target URL` is another spelling of BACKEND_URL."""

import pytest

from harness.system import System

from .conftest import Gate, known_by

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ONLY = ("--only", "golden.upload,tenancy.viewer")


async def test_the_url_takes_the_place_of_the_variable(reference: System, gate: Gate) -> None:
    environment = await known_by(reference)
    url = environment.pop("BACKEND_URL")
    outcome = await gate.run("--target", url, *ONLY, "-n", "2", environment=environment)
    assert outcome.verdicts() == {"golden.upload": "pass", "tenancy.viewer": "inconclusive"}
    assert (
        f"shakedown run --only tenancy.viewer --seed {outcome.seed} --target {url}" in outcome.told
    )


async def test_the_same_url_twice_is_no_contradiction(reference: System, gate: Gate) -> None:
    environment = await known_by(reference)
    url = environment["BACKEND_URL"]
    outcome = await gate.run("--target", f"{url}/", *ONLY, environment=environment)
    assert outcome.code == 2, outcome.told


async def test_two_urls_are_refused(reference: System, gate: Gate) -> None:
    environment = await known_by(reference)
    outcome = await gate.run("--target", "http://127.0.0.1:9", *ONLY, environment=environment)
    assert outcome.code == 3
    both = (
        f"--target http://127.0.0.1:9 and the variable BACKEND_URL ({environment['BACKEND_URL']})"
    )
    assert both in outcome.told


@pytest.mark.parametrize("name", ["JWT_TOKEN"])
async def test_the_token_still_comes_from_the_environment(
    reference: System, gate: Gate, name: str
) -> None:
    environment = await known_by(reference)
    url = environment.pop("BACKEND_URL")
    del environment[name]
    outcome = await gate.run("--target", url, *ONLY, environment=environment)
    assert outcome.code == 3
    assert f"{name} is not set" in outcome.told


async def test_a_driver_and_a_url_contradict_each_other(reference: System, gate: Gate) -> None:
    environment = await known_by(reference)
    url = environment.pop("BACKEND_URL")
    words = ("--target", url, "--driver", "embedded", *ONLY)
    outcome = await gate.run(*words, environment=environment)
    assert outcome.code == 3
    assert "--driver embedded contradicts" in outcome.told
