"""A pytest plugin: which rules the hand-made wrong answers of the tests were seen to break.

`pytest -p tests.hand_made tests/contracts tests/harness tests/chaos tests/load` writes
`harness/findings/hand_made.toml`. What counts is a failure with a rule that the product's own code
made while a test ran that passed. What other test files were seen to do stays.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import CheckFailed
from harness.findings.fired import HAND_MADE_FILE, hand_made_as_toml, parse_hand_made
from harness.findings.rule import rules

FILE = HAND_MADE_FILE
ROOT = Path(__file__).parents[1]
_JUDGES = tuple(f"{ROOT / name}/" for name in ("harness", "contracts", "chaos", "load"))
_MAKERS = tuple(str(ROOT / "harness" / name) for name in ("expect.py", "errors.py", "renamed.py"))
"""What makes failures for whoever calls it."""


class Noted:
    """What ran, and the rules that were broken in it."""

    def __init__(self) -> None:
        self.now: set[str] = set()
        self.files: dict[str, set[str]] = {}
        self._make = CheckFailed.__init__

    def begin(self) -> None:
        noted, make = self, self._make

        def made(failure: CheckFailed, *values: object, **more: object) -> None:
            make(failure, *values, **more)  # type: ignore[arg-type]
            if failure.rule in rules() and _is_ours():
                noted.now.add(failure.rule)

        CheckFailed.__init__ = made  # type: ignore[method-assign,assignment]

    def end(self) -> None:
        CheckFailed.__init__ = self._make  # type: ignore[method-assign]
        FILE.write_text(hand_made_as_toml(self._merged()), encoding="utf-8")

    def _merged(self) -> dict[str, tuple[str, ...]]:
        before = parse_hand_made(FILE.read_text(encoding="utf-8"))
        known = {rule: set(files) - set(self.files) for rule, files in before.items()}
        for file, broken in self.files.items():
            for rule in broken:
                known.setdefault(rule, set()).add(file)
        there = {
            rule: [one for one in files if (ROOT / one).is_file()] for rule, files in known.items()
        }
        return {rule: tuple(sorted(files)) for rule, files in there.items() if files}


def _is_ours() -> bool:
    """Whether the product's code makes the failure, not the test itself."""
    frame = sys._getframe(2)
    while frame.f_back and (
        frame.f_code.co_filename in _MAKERS or __file__ in frame.f_code.co_filename
    ):
        frame = frame.f_back
    return frame.f_code.co_filename.startswith(_JUDGES)


_NOTED = pytest.StashKey[Noted]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to note."""
    config.stash[_NOTED] = Noted()
    config.stash[_NOTED].begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write what was noted."""
    config.stash[_NOTED].end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Keep what a test broke, if it passes."""
    noted = item.config.stash[_NOTED]
    noted.now.clear()
    yield
    path = item.path.relative_to(ROOT).as_posix()
    noted.files.setdefault(path, set()).update(noted.now)
