"""A system that runs by itself, as staging does, and a target file that only knows its URLs."""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from chaos.staging.drill import StagingDrill
from harness.client import Organizations, Samples
from harness.guard import Guard
from harness.history import HistoryWriter
from harness.machine.commands import CommandResult
from harness.machine.journal import Journal
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.recovery.healing import end_run
from harness.system import System, launch
from harness.target import load_target
from harness.target.load import DEFAULT_TARGET
from harness.waiting import wait_until

PLATFORM = Path(__file__).with_name("platform_cli.py")
FAILPOINTS = "before_commit=sleep:0.5"
"""Every export takes a moment, so that a fault meets some."""

EXTERNAL = """\
name = "staging"
driver = "external"
[api]
base_urls = {urls}
[worker]
stuck_timeout_s = 2
heartbeat_interval_s = 0.3
sweep_interval_s = 0.3
{tokens}
[chaos]
allowed_hosts = ["127.0.0.1"]
steady_within_s = 20
load_exports = 200
load_every_s = 0.1
{instances}
"""

PROOFS = {
    "kill": "is-dead",
    "kill-at-work": "is-dead",
    "pause": "is-paused",
    "pause-all": "is-paused",
}
"""The word of the platform that shows what another one has done."""

INSTANCE = """\
[[chaos.instances]]
name = "{name}"
role = "{role}"
host = "127.0.0.1"
"""


@dataclass(frozen=True, kw_only=True)
class Staging:
    """A system somewhere, and where its platform's files are."""

    system: System
    folder: Path

    def write(self, chaos: str) -> Path:
        """Write a target file about it that ends with this piece."""
        shipped = DEFAULT_TARGET.read_text(encoding="utf-8")
        tokens = shipped[shipped.index("[tokens.mint]") : shipped.index("[contract]")]
        every = (*self.system.api, *self.system.workers)
        file = self.folder / "shakedown.toml"
        file.write_text(
            EXTERNAL.format(
                urls=json.dumps([instance.base_url for instance in self.system.api]),
                tokens=tokens,
                instances="".join(INSTANCE.format(name=i.name, role=i.role) for i in every),
            )
            + chaos,
            encoding="utf-8",
        )
        return file

    def fault(self, name: str, inject: str, undo: str, more: str = "") -> str:
        """Declare a fault by two words of the platform's command line, with what proves it."""
        proof = PROOFS.get(inject)
        if proof and "proof =" not in more:
            more += f"proof = {json.dumps(self.command(proof))}\n"
        return (
            f"[chaos.faults.{name}]\n"
            f"inject = {json.dumps(self.command(inject))}\n"
            f"undo = {json.dumps(self.command(undo))}\n{more}\n"
        )

    def command(self, word: str) -> list[str]:
        """The platform's command line for one word of its."""
        return [sys.executable, str(PLATFORM), str(self.folder), word, "{instance}"]

    def log(self) -> list[str]:
        """What the platform did, in order."""
        log = self.folder / "platform.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@asynccontextmanager
async def running(folder: Path, api_instances: int) -> AsyncIterator[System]:
    """Some API instances and two workers, whose exports take a moment."""
    text = DEFAULT_TARGET.read_text(encoding="utf-8").replace(
        "[worker.environment]\n",
        f'[worker.environment]\nFAILPOINTS = "{FAILPOINTS}"\n',
    )
    file = folder / "shakedown.toml"
    file.write_text(text, encoding="utf-8")
    journal = Journal.begin()
    try:
        system = await launch(
            load_target(file), journal=journal, api_instances=api_instances, workers=2
        )
        yield system
        await system.close()
    finally:
        await asyncio.to_thread(end_run, journal)


@pytest.fixture(scope="session")
async def correct_system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The system without a defect, for one test after another; a test leaves it to `mended`."""
    async with running(tmp_path_factory.mktemp("staging"), 2) as system:
        yield system


async def mended(system: System) -> None:
    """Undo what a test has done to the instances, and let them end what it has queued."""
    for instance in (*system.api, *system.workers):
        if not system.is_alive(instance):
            await system.restart(instance)
        elif system.is_paused(instance):
            await system.resume(instance)
    assert system.control_url is not None
    async with await psycopg.AsyncConnection.connect(
        system.control_url, autocommit=True
    ) as connection:

        async def is_idle() -> bool:
            found = await connection.execute(
                "SELECT 1 FROM exports WHERE state IN ('queued', 'preparing') LIMIT 1"
            )
            return await found.fetchone() is None

        await wait_until(is_idle, 60, "the exports of a test to end")


def known_to_its_platform(system: System, folder: Path) -> Staging:
    """Write down for the platform's command line where the instances and the database are."""
    folder.mkdir()
    for instance in (*system.api, *system.workers):
        (folder / f"{instance.name}.pid").write_text(str(instance.pid), encoding="utf-8")
    (folder / "database").write_text(str(system.control_url), encoding="utf-8")
    return Staging(system=system, folder=folder)


@pytest.fixture
async def staging(correct_system: System, tmp_path: Path) -> AsyncIterator[Staging]:
    """Two API instances and two workers."""
    yield known_to_its_platform(correct_system, tmp_path / "platform")
    await mended(correct_system)


@pytest.fixture
async def wrong_staging(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Staging]:
    """An API instance and two workers with a defect, the fixture's parameter, in migrations too."""
    monkeypatch.setenv("REFERENCE_BACKEND_DEFECT", request.param)
    own = tmp_path / "own"
    own.mkdir()
    async with running(own, 1) as system:
        yield known_to_its_platform(system, tmp_path / "platform")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The journal of the run against staging: nothing of the system stands in it."""
    base = tmp_path / "runs"
    base.mkdir()
    begun = Journal.begin(base)
    yield begun
    end_run(begun)


DrillOf = Callable[[Path], AbstractAsyncContextManager[StagingDrill]]


@pytest.fixture
def drill_of(journal: Journal, tmp_path: Path) -> DrillOf:
    """Give the drill of the one fault that a target file declares."""

    @asynccontextmanager
    async def open_drill(file: Path) -> AsyncIterator[StagingDrill]:
        target = load_target(file, allow_faults=True)
        [(name, commands)] = target.chaos.faults.items()
        with HistoryWriter(tmp_path / "history.jsonl") as history:
            async with Organizations.of(target, target.api.base_urls) as organizations:
                yield StagingDrill(
                    journal=journal,
                    offered=target.capabilities(),
                    history=history,
                    observe=Observations(),
                    cells=Cells(
                        check_id="chaos.staging-fault",
                        check_path=Path(__file__),
                        stop_at_first=True,
                    ),
                    name=name,
                    commands=commands,
                    target=target,
                    guard=await Guard.of(target),
                    owners=await organizations.several(3),
                    samples=Samples(random.Random(7)),
                    record=CommandResult.describe,
                )

    return open_drill
