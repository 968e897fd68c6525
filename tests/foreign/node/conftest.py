"""A running system of the case files, and people who may ask it."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from harness.client.tokens.tokens import recipe_of
from harness.machine.journal import Journal
from harness.recovery.healing import end_run
from harness.system import System, launch
from harness.target import Target, load_target

from .house import House

HERE = Path(__file__).parent
INSTALL_DEADLINE_S = 120


@pytest.fixture(scope="session")
def installed() -> Path:
    """The backend's directory, with its packages beside it."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on the PATH: the foreign backend in Node cannot run")
    with (HERE / "package.json").open() as package:
        fcntl.flock(package, fcntl.LOCK_EX)  # one process of pytest-xdist installs, others wait
        _install()
    return HERE


def _install() -> None:
    wanted = hashlib.sha256((HERE / "package.json").read_bytes()).hexdigest()
    mark = HERE / "node_modules" / ".installed-for"
    if mark.exists() and mark.read_text() == wanted:
        return
    command = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit"]
    done = subprocess.run(
        command, cwd=HERE, capture_output=True, text=True, timeout=INSTALL_DEADLINE_S, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-800:]}")
    mark.write_text(wanted)


@pytest.fixture(scope="session")
def target(installed: Path) -> Target:
    return load_target(installed / "shakedown.toml")


@pytest.fixture(scope="session")
async def system(target: Target) -> AsyncIterator[System]:
    journal = Journal.begin()
    running = await launch(target, journal=journal)
    try:
        yield running
    finally:
        await running.close()
        healing = end_run(journal)
    assert healing.ended == []
    assert healing.problems == []


@pytest.fixture(scope="session")
async def house(system: System) -> AsyncIterator[House]:
    async with AsyncExitStack() as clients:
        yield House(system=system, recipe=recipe_of(system.target), clients=clients)
