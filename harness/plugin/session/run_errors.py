"""What went wrong with a run as such, apart from what its checks found."""

import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine.room import full_disk
from harness.redaction.redactor import Redactor
from harness.reports.directory import INTERNAL_ERRORS, INTERNAL_ERRORS_MARK
from harness.verdict import ExitCode


@dataclass(frozen=True, kw_only=True)
class RunError:
    """Why a run could not be done as it was asked for."""

    exit_code: int
    message: str


class RunErrors:
    """Keeps the first error of a run, which is the cause of the others."""

    def __init__(self, report_path: Path, redact: Redactor) -> None:
        self._log = report_path / INTERNAL_ERRORS
        self._redact = redact
        self.first: RunError | None = None

    def note_misconfigured(self, error: Misconfigured) -> None:
        """Take note that the run cannot go on as it was asked for."""
        self._keep(ExitCode.MISCONFIGURED, str(error))

    def note_crash(self, error: BaseException) -> None:
        """Take note of an error of our own; its traceback goes to a log in the report.

        A disk that is full is no error of ours.
        """
        if problem := full_disk(error):
            self._keep(ExitCode.MISCONFIGURED, problem)
            return
        text = traceback.format_exception_only(error)[-1]
        self.note_crash_text(text, "".join(traceback.format_exception(error)))

    def note_crash_text(self, text: str, trace: str) -> None:
        """Take note of an error of our own that pytest or another process reports as text."""
        with suppress(OSError), self._log.open("a", encoding="utf-8") as log:
            log.write(f"{INTERNAL_ERRORS_MARK}\n{self._redact(trace)}\n")
        last_line = text.strip().splitlines()[-1]
        self._keep(
            ExitCode.INTERNAL_ERROR,
            f"an error in shakedown itself: {last_line} (the traceback is in {self._log})",
        )

    def _keep(self, exit_code: ExitCode, message: str) -> None:
        self.first = self.first or RunError(exit_code=exit_code, message=self._redact(message))
