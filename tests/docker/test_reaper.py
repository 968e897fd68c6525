"""Ryuk is told what to remove and goes with the run; where it cannot be had, the run goes on.

A registry is not always in reach, so an image of our own stands in for it: it speaks Ryuk's
protocol (a line of filters, answered by ACK) and prints what it was told.
"""

from pathlib import Path

import pytest
from testcontainers.core.config import testcontainers_config

from harness.containers.engine import Engine
from harness.containers.images import build
from harness.containers.labels import Labels
from harness.containers.reaper import Reaper
from harness.containers.remains import remove_run
from harness.journal import Owner
from harness.system.running import until_shows
from harness.target.models import Build

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("nothing_is_left")]

MARKS = Labels.of_run("17-abc", Owner.ours())

STAND_IN = """\
import os, socket
with socket.create_server(("0.0.0.0", int(os.environ["RYUK_PORT"]))) as server:
    while not (told := (connection := server.accept()[0]).recv(200)):
        pass
    print(told.decode(), flush=True)
    connection.sendall(b"ACK\\n")
    connection.recv(1)
    print("let go", flush=True)
    server.accept()
"""
DOCKERFILE = 'FROM python:3.13-slim\nCOPY ryuk.py /\nCMD ["python3", "/ryuk.py"]\n'


@pytest.fixture
def image(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    context = tmp_path / "ryuk"
    context.mkdir()
    (context / "ryuk.py").write_text(STAND_IN, encoding="ascii")
    (context / "Dockerfile").write_text(DOCKERFILE, encoding="ascii")
    wanted = Build(context=str(context))
    tag = build(engine, wanted, "ryuk-stand-in", lambda _: None, tmp_path / "build.log")
    monkeypatch.setattr(testcontainers_config, "ryuk_image", tag)
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", False)
    return tag


async def test_it_is_told_the_label_and_lets_go_with_the_run(engine: Engine, image: str) -> None:
    assert image
    reaper = Reaper.start(engine, MARKS)
    assert reaper
    name = "shakedown-17-abc-ryuk"

    def printed() -> str:
        return bytes(engine.client.api.logs(name)).decode()

    try:
        assert printed().splitlines()[0] == "label=dev.shakedown.run=17-abc"
        (port,) = engine.client.api.inspect_container(name)["NetworkSettings"]["Ports"].values()
        assert {each["HostIp"] for each in port} == {"127.0.0.1"}
        reaper.let_go()  # as the kernel does when the harness is killed
        await until_shows(lambda: "let go" in printed(), "Ryuk to see the connection end")
    finally:
        removal = remove_run(engine, MARKS.run_id)  # as `recover` does
    assert removal.removed == [f"container {name}"]


def test_a_run_goes_on_without_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", False)
    monkeypatch.setattr(testcontainers_config, "ryuk_image", "localhost:1/nobody/ryuk:0")
    assert Reaper.start(engine, MARKS) is None


def test_it_can_be_switched_off(
    engine: Engine, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert image
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    assert Reaper.start(engine, MARKS) is None
