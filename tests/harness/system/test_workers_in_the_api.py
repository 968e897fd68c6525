"""A backend whose workers are threads of its API processes, with no program of their own."""

from pathlib import Path

import pytest

from harness.errors import Inconclusive
from harness.system.launch import _counts
from harness.target import Target, load_target
from tests.target_files import write

INSIDE = """
name = "inside"
[api]
command = ["serve"]
instances = 2
[worker]
instances = 0
stuck_timeout_s = 2
heartbeat_interval_s = 0.5
[database]
source = "none"
[tokens.mint]
secret = "only-for-a-test-that-starts-nothing"
claims = { sub = "{user}" }
"""


def inside(folder: Path, command: str = "") -> Target:
    return load_target(write(folder, INSIDE.replace("instances = 0", f"instances = 0\n{command}")))


@pytest.mark.parametrize(
    ("api", "workers", "wanted"),
    [(1, 2, "2 workers of its own"), (0, 1, "1 workers"), (None, 0, "a system without workers")],
)
def test_what_cannot_be_had_is_told(
    tmp_path: Path, api: int | None, workers: int, wanted: str
) -> None:
    with pytest.raises(Inconclusive, match=wanted) as told:
        _counts(inside(tmp_path), api, workers)
    assert "[worker] command" in str(told.value)


def test_what_is_declared_is_started(tmp_path: Path) -> None:
    assert _counts(inside(tmp_path), None, None) == {"api": 2, "worker": 0}
    assert _counts(inside(tmp_path), 0, 0) == {"api": 0, "worker": 0}


def test_the_same_program_may_be_the_workers(tmp_path: Path) -> None:
    assert _counts(inside(tmp_path, 'command = ["serve"]'), None, 2) == {"api": 2, "worker": 2}
    assert _counts(inside(tmp_path, 'command = ["serve"]'), 1, 0) == {"api": 1, "worker": 0}
