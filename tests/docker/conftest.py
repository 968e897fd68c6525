"""What tests with containers share: an engine, targets, and the look at what is left."""

import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.containers.engine import Engine
from harness.containers.images import build
from harness.containers.labels import Labels
from harness.errors import Misconfigured
from harness.machine.journal import Journal
from harness.machine.processes import Process
from harness.recovery.healing import end_run
from harness.system import System, launch
from harness.target import Target, load_target
from harness.target.bundled import DOCKER_TARGET
from harness.target.tables.models import Build
from tests.target_files import changed_target

STAND_IN = Path(__file__).parents[1] / "harness" / "system" / "stand_in.py"

STAND_IN_TARGET = """\
name = "stand-in"
driver = "docker"
[build]
context = "image"
[environment]
BEHAVIOR = ""
SECRET = "{jwt_secret}"
[api]
command = ["{python}", "-S", "/stand_in.py", "{instance}"]
instances = 1
ready_timeout_s = 10
stop_grace_s = 5
[api.environment]
HOST = "{host}"
PORT = "{port}"
[tokens.mint]
secret = "hush-hush-hush-hush-hush-hush-hush"
claims = { sub = "{user}" }
"""

GOES_WITHIN_S = 20.0

DOCKERFILE = "FROM python:3.13-slim\nCOPY stand_in.py /\n"

RYUK_DOCKERFILE = 'FROM python:3.13-slim\nCOPY ryuk.py /\nCMD ["python3", "/ryuk.py"]\n'


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine; in CI, which has one, a test without it fails instead of being skipped."""
    try:
        return Engine.connect()
    except Misconfigured as error:
        if os.environ.get("CI", "").lower() in {"", "0", "false"}:
            pytest.skip(error.what)
        pytest.fail(f"CI is set, where no test with containers is skipped: {error.what}")


@dataclass(frozen=True)
class Held:
    """Everything but images that an engine holds, less what other living runs have."""

    containers: frozenset[str]
    networks: frozenset[str]
    volumes: frozenset[str]

    @classmethod
    def by(cls, engine: Engine) -> "Held":
        api = engine.client.api
        return cls(
            containers=_named(api.containers(all=True), "Id"),
            networks=_named(api.networks(), "Id"),
            volumes=_named(api.volumes()["Volumes"] or (), "Name"),
        )

    def expect_no_more(self, engine: Engine) -> None:
        """Nothing is there that was not there before.

        What another test process is about to remove is given the time to go.
        """
        until = time.monotonic() + GOES_WITHIN_S
        while (more := Held.by(engine).less(self)) != NOTHING and time.monotonic() < until:
            time.sleep(0.1)
        assert more == NOTHING

    def less(self, other: "Held") -> "Held":
        return Held(
            containers=self.containers - other.containers,
            networks=self.networks - other.networks,
            volumes=self.volumes - other.volumes,
        )


NOTHING = Held(containers=frozenset(), networks=frozenset(), volumes=frozenset())


def _named(found: Iterable[Mapping[str, Any]], key: str) -> frozenset[str]:
    return frozenset(each[key] for each in found if not _is_in_use(each.get("Labels")))


def _is_in_use(labels: Mapping[str, Any] | None) -> bool:
    mark = Labels.read(labels)
    return bool(mark and mark.owner.is_alive() and mark.owner.process != Process.ours())


@pytest.fixture
def nothing_is_left(engine: Engine) -> Iterator[None]:
    before = Held.by(engine)
    yield
    before.expect_no_more(engine)


@pytest.fixture(scope="module")
async def shared(engine: Engine) -> AsyncIterator[System]:
    """The reference backend, shared by the tests of a file, each of which mends it again."""
    before = Held.by(engine)
    journal = Journal.begin()
    system = await launch(
        load_target(DOCKER_TARGET),
        journal=journal,
        api_instances=2,
        workers=1,
    )
    try:
        yield system
    finally:
        await system.close()
        assert end_run(journal).problems == []
    before.expect_no_more(engine)


MakeTarget = Callable[..., Target]


@pytest.fixture
def make_target(tmp_path: Path) -> MakeTarget:
    """Give a factory of targets that build the stand-in's image: the basic one, with changes."""
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "stand_in.py").write_bytes(STAND_IN.read_bytes())
    (tmp_path / "image" / "Dockerfile").write_text(DOCKERFILE, encoding="ascii")

    def make(*changes: tuple[str, str], behavior: str = "") -> Target:
        text = STAND_IN_TARGET.replace('BEHAVIOR = ""', f'BEHAVIOR = "{behavior}"')
        return changed_target(tmp_path, text, changes)

    return make


@pytest.fixture
def ryuk_image(engine: Engine, tmp_path: Path) -> str:
    context = tmp_path / "ryuk"
    context.mkdir()
    (context / "ryuk.py").write_bytes(Path(__file__).with_name("ryuk.py").read_bytes())
    (context / "Dockerfile").write_text(RYUK_DOCKERFILE, encoding="ascii")
    wanted = Build(context=str(context))
    return build(engine, wanted, "ryuk-stand-in", lambda _: None, tmp_path / "build.log")


@pytest.fixture
def journal() -> Iterator[Journal]:
    made = Journal.begin()
    yield made
    healing = end_run(made)
    assert healing.removed == [made.run_dir]  # whatever a test starts, it ends
    assert healing.problems == []
