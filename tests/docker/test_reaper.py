"""Ryuk is told what to remove and goes with the run; where it cannot be had, the run goes on.

A registry is not always in reach, so an image of our own stands in for it.
"""

import pytest
from testcontainers.core.config import testcontainers_config

from harness.containers.engine import Engine
from harness.containers.labels import REAPER, Labels
from harness.containers.leftovers import remove_run
from harness.containers.reaper import Reaper
from harness.machine.journal import Owner
from harness.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("nothing_is_left")]

MARKS = Labels.of_run("17-abc", Owner.ours())


@pytest.fixture
def image(ryuk_image: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(testcontainers_config, "ryuk_image", ryuk_image)
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", False)
    return ryuk_image


async def test_it_is_told_the_label_and_recover_knows_it(engine: Engine, image: str) -> None:
    assert image
    reaper = Reaper.start(engine, MARKS)
    assert reaper
    name = "shakedown-17-abc-ryuk"
    try:
        # Ryuk acknowledges first; the engine has what it printed a moment later.
        printed = await wait_until(lambda: engine.client.api.logs(name), 10, "what Ryuk printed")
        assert printed.decode().split() == ["label=dev.shakedown.run=17-abc"]
        (port,) = engine.client.api.inspect_container(name)["NetworkSettings"]["Ports"].values()
        assert {each["HostIp"] for each in port} == {"127.0.0.1"}
    finally:
        removal = remove_run(engine, MARKS.run_id)
        reaper.disconnect()
    assert removal.removed == [f"container {name}"]


async def test_it_goes_by_itself_once_it_is_let_go(engine: Engine, image: str) -> None:
    assert image
    reaper = Reaper.start(engine, MARKS)
    assert reaper
    reaper.disconnect()
    mark = {"label": f"{REAPER}={MARKS.run_id}"}
    await wait_until(
        lambda: not engine.client.api.containers(all=True, filters=mark), 10, "Ryuk to end"
    )


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
