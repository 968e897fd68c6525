"""Finding checks without running any: pytest collects, and nothing is brought up."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.plugin.collecting.collection import COLLECTED
from harness.plugin.collecting.own_modules import make_all_importable
from harness.plugin.collecting.selection import CollectedChecks, refuse_bad_selection
from harness.plugin.session.quiet import silence
from harness.plugin.session.run import isolate, pytest_arguments
from harness.plugin.settings import SETTINGS, RunSettings


def find_checks(folders: Sequence[str], *, built_in: bool) -> CollectedChecks:
    """Give every shipped check and every check in `folders`, of any profile.

    Raises `Misconfigured` when a file cannot be read or two checks have one id.
    """
    with tempfile.TemporaryDirectory(prefix="shakedown-checks-") as scratch:
        settings = RunSettings(
            seed=0,
            report_path=Path(scratch),
            profile="soak",
            folders=tuple(folders),
            built_in=built_in,
        )
        finder = _Finder(settings)
        isolate(Path(scratch))
        make_all_importable(folders)
        pytest.main(pytest_arguments(settings, Path(scratch), ["--collect-only"]), plugins=[finder])
    if finder.collected is None:
        raise Misconfigured("pytest could not collect the checks; its message above says why")
    refuse_bad_selection(finder.collected, only=(), allow=(), profile="soak")
    return finder.collected


class _Finder:
    """Stands where a run has its controller."""

    def __init__(self, settings: RunSettings) -> None:
        self._settings = settings
        self.collected: CollectedChecks | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[SETTINGS] = self._settings
        silence(config)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collected = session.config.stash[COLLECTED]
