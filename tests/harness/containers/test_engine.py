"""Where there is no engine to use, one sentence says so and names the way without it."""

import socket
from pathlib import Path

import pytest

from harness.containers.container import as_returncode
from harness.containers.engine import Engine
from harness.errors import Misconfigured


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("unix:///nowhere/docker.sock", "No such file or directory"),
        ("tcp://127.0.0.1:1", "Connection refused"),
        ("tcp://192.0.2.1:2375", "is on another machine"),
        ("ssh://somebody@192.0.2.1", "is on another machine"),
        ("nonsense", "nonsense"),
    ],
)
def test_no_engine_is_one_sentence(address: str, reason: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Engine.connect(address)
    message = str(caught.value)
    assert reason in message
    assert "shakedown run --driver embedded" in message
    assert "\n" not in message


def test_one_that_does_not_speak_the_engines_language(tmp_path: Path) -> None:
    place = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        with pytest.raises(Misconfigured, match="no Docker engine can be reached"):
            Engine.connect(f"unix://{place}")


@pytest.mark.parametrize(("told", "meant"), [(0, 0), (7, 7), (137, -9), (143, -15), (255, 255)])
def test_exit_codes_are_told_as_those_of_processes(told: int, meant: int) -> None:
    assert as_returncode(told) == meant
