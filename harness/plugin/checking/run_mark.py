"""The mark by which a run's own things are known on a backend that others use too."""

from collections.abc import Callable

from harness.client.run_mark import RunMark
from harness.plugin.settings import RunSettings
from harness.reports.directory import CREATED
from harness.system import System


def mark_of(system: System, settings: RunSettings, redact: Callable[[str], str]) -> RunMark | None:
    """Give the run's mark, with the list of what it makes; None on a system of its own."""
    if system.target.driver != "external":
        return None
    return RunMark(
        system.journal.run_id,
        settings.report_path / CREATED,
        cleanup=settings.cleanup,
        redact=redact,
    )
