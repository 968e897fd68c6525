"""The image of the reference backend: small, not root, and nothing in it to build with."""

import tomllib
from pathlib import Path

import pytest

import reference_backend
from harness.containers.engine import Engine
from harness.containers.images import build
from harness.system import System
from harness.target import load_target
from harness.target.bundled import DOCKER_TARGET
from harness.waiting import wait_until

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(reference_backend.__file__).with_name("requirements.txt")


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    target = load_target(DOCKER_TARGET)
    assert target.build
    log_path = tmp_path_factory.mktemp("build") / "build.log"
    return build(engine, target.build, target.name, lambda _: None, log_path)


def test_it_is_built_once(engine: Engine, image: str, tmp_path: Path) -> None:
    target = load_target(DOCKER_TARGET)
    assert target.build
    said: list[str] = []
    assert build(engine, target.build, target.name, said.append, tmp_path / "log") == image
    assert said == []


def test_it_says_how_it_wants_to_be_run(engine: Engine, image: str) -> None:
    config = engine.client.api.inspect_image(image)["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Cmd"] == ["python", "-m", "reference_backend", "api"]


def test_nothing_in_it_builds_anything(engine: Engine, image: str) -> None:
    tools = "gcc cc g++ clang make cmake cargo rustc git"
    looks = f"for tool in {tools}; do command -v $tool; done; ls /venv/bin | grep -i pip; id -u"
    said = engine.client.containers.run(image, ["sh", "-c", looks], remove=True)
    assert said.decode().split() == ["10001"]


def test_it_adds_little_to_its_base(engine: Engine, image: str) -> None:
    size = {
        name: int(engine.client.api.inspect_image(name)["Size"])
        for name in (image, "python:3.13-slim")
    }
    assert size[image] - size["python:3.13-slim"] < 60_000_000


def test_it_installs_what_the_package_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    assert len(wanted) == 6
    # The harness signs with key pairs, the reference backend does not.
    asked = {each.replace("PyJWT[crypto]", "PyJWT") for each in project["dependencies"]}
    assert set(wanted) <= asked


async def test_its_health_check_tells_ready_from_not(shared: System, engine: Engine) -> None:
    api, worker = shared.api[0].container, shared.workers[0].container
    server = shared.database_server
    assert server

    async def health(container: str | None) -> int:
        command = ["python", "-m", "reference_backend.healthcheck"]
        asked = engine.client.api.exec_create(container, command)["Id"]
        engine.client.api.exec_start(asked, detach=True)
        await wait_until(
            lambda: not engine.client.api.exec_inspect(asked)["Running"], 10, "the check to end"
        )
        return int(engine.client.api.exec_inspect(asked)["ExitCode"])

    assert (await health(api), await health(worker)) == (0, 0)
    server.kill()
    assert await health(api) == 1
