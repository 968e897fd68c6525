"""What a target file may say about images, and which shipped file a command line means."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from harness.errors import Misconfigured
from harness.plugin.settings import RunSettings
from harness.target import Capability, load_target
from harness.target.bundled import DOCKER_TARGET, choose_target, refuse_contradiction
from harness.target.load import DEFAULT_TARGET
from tests.target_files import refusals, write

TEXT = """\
name = "mine"
driver = "docker"

[api]
image = "mine:1"

[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = { sub = "{user}" }
"""


def test_the_two_shipped_files_differ_in_nothing_but_containers() -> None:
    embedded, docker = (
        tomllib.loads(file.read_text(encoding="utf-8")) for file in (DEFAULT_TARGET, DOCKER_TARGET)
    )
    assert docker.pop("driver") == "docker"
    assert docker.pop("build") == {"context": "reference_backend"}
    assert docker["database"].pop("source") == "docker"
    assert docker["database"].pop("image") == "postgres:17"
    assert embedded.pop("driver") == "process"
    assert embedded["database"].pop("source") == "embedded"
    assert docker == embedded


def test_containers_can_be_cut_off() -> None:
    offered = load_target(DOCKER_TARGET).capabilities()
    assert offered == load_target().capabilities() | {Capability.NETWORK}


def test_the_build_context_is_found_as_a_package() -> None:
    build = load_target(DOCKER_TARGET).build
    assert build
    assert (Path(build.context) / build.dockerfile).is_file()


def test_an_image_needs_no_command(tmp_path: Path) -> None:
    target = load_target(write(tmp_path, TEXT))
    assert (target.api.image, target.api.command) == ("mine:1", None)


def test_a_build_context_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "Dockerfile").write_text("FROM scratch", encoding="ascii")
    text = TEXT.replace('image = "mine:1"', "").replace("[api]", '[build]\ncontext="server"\n[api]')
    build = load_target(write(tmp_path, text)).build
    assert build
    assert build.context == str(tmp_path / "server")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('image = "mine:1"', "", "shakedown.toml:4: api.image: missing"),
        ('image = "mine:1"', 'image = "-v /:/host"', "shakedown.toml:5: api.image: "),
        ('driver = "docker"', 'driver = "process"', 'api.image: only driver = "docker"'),
        ("[api]", '[build]\ncontext = "nowhere"\n[api]', "build.context: expected a directory"),
        ("[api]", "[build]\n[api]", "build.dockerfile: expected a Dockerfile"),
        ("[api]", '[build]\ndockerfile = "D"\n[api]', "build.dockerfile: expected a Dockerfile"),
        ("[tokens.mint]", "[worker]\n[tokens.mint]", "worker.image: missing"),
        (
            "[tokens.mint]",
            '[database]\nsource = "embedded"\n[tokens.mint]',
            'database.source: containers cannot reach "embedded"',
        ),
        (
            "[tokens.mint]",
            '[database]\nimage = "postgres:17"\n[tokens.mint]',
            'database.image: only [database] source = "docker"',
        ),
    ],
)
def test_contradictions_are_refused_with_their_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    said = "\n".join(refusals(tmp_path, TEXT.replace(old, new)))
    assert message in said
    assert said.startswith("shakedown.toml:")


def test_several_containers_may_listen_on_the_same_port(tmp_path: Path) -> None:
    target = load_target(write(tmp_path, TEXT.replace("[api]", "[api]\nport = 80")))
    assert (target.api.port, target.api.instances) == (80, 3)


def test_the_option_chooses_between_the_shipped_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_URL", "http://127.0.0.1:1")
    assert choose_target(None, "embedded") is None
    assert choose_target(None, "docker") == DOCKER_TARGET
    assert choose_target(Path("mine.toml"), None) == Path("mine.toml")
    of_the_environment = choose_target(None, None)
    assert of_the_environment
    assert of_the_environment.name == "environment.toml"


def test_a_target_file_decides_for_itself(tmp_path: Path) -> None:
    target = load_target(write(tmp_path, TEXT))
    refuse_contradiction(target, "docker")
    refuse_contradiction(target, None)
    with pytest.raises(Misconfigured, match=r"--driver embedded contradicts .*shakedown\.toml"):
        refuse_contradiction(target, "embedded")


@pytest.mark.parametrize(
    ("target_path", "words"),
    [
        (None, []),
        (DOCKER_TARGET, ["--driver", "docker"]),
        (Path("mine.toml"), ["--target", str(Path("mine.toml").absolute())]),
    ],
)
def test_the_command_that_repeats_a_check(target_path: Path | None, words: list[str]) -> None:
    options: dict[str, Any] = {"seed": 7, "report_path": Path("out"), "target_path": target_path}
    command = RunSettings(**options).reproduce_command("golden.upload")
    assert command.split() == ["shakedown", "run", "--only", "golden.upload", "--seed", "7", *words]
