from collections.abc import Callable
from pathlib import Path

import pytest

from harness.target import Target
from tests.target_files import changed_target

STAND_IN = Path(__file__).with_name("stand_in.py")

SECRET = "hush-hush-hush-hush-hush-hush-hush"

BASIC = f"""\
name = "stand-in"
[environment]
BEHAVIOR = ""
[api]
command = ["{{python}}", "-S", "{STAND_IN}", "{{instance}}"]
instances = 2
ready_timeout_s = 10
stop_grace_s = 5
[api.environment]
PORT = "{{port}}"
[worker]
command = ["{{python}}", "-S", "{STAND_IN}", "{{instance}}"]
instances = 1
ready_timeout_s = 10
[worker.environment]
PORT = "{{port}}"
[tokens.mint]
secret = "{SECRET}"
claims = {{ sub = "{{user}}" }}
"""

MakeTarget = Callable[..., Target]


@pytest.fixture
def make_target(tmp_path: Path) -> MakeTarget:
    """Give a factory of targets that start the stand-in: the basic one with replacements."""

    def make(*changes: tuple[str, str], behavior: str = "") -> Target:
        text = BASIC.replace('BEHAVIOR = ""', f'BEHAVIOR = "{behavior}"')
        return changed_target(tmp_path, text, changes)

    return make
