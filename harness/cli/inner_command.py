"""`up -- COMMAND …`: a command that runs while the system does."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from harness.errors import Misconfigured
from harness.machine.journal import Journal
from harness.machine.processes import RUN_MARKER, Process, kill_tree

END_GRACE_S = 10.0
"""How long a command has to end after its signal."""

_LOOK_INTERVAL_S = 0.1


def refuse_unknown(words: Sequence[str]) -> None:
    """Refuse a command that is not there, before anything is started for it."""
    if shutil.which(words[0]) is None:
        raise Misconfigured(
            f"-- {words[0]}: there is no such program on the PATH; a shell's own words need a "
            "shell: -- sh -c '…'"
        )


class InnerCommand:
    """The command as a process: it shares our terminal, so Ctrl-C reaches it as well."""

    def __init__(
        self, words: Sequence[str], variables: Mapping[str, str], journal: Journal
    ) -> None:
        """Start it. Raises `Misconfigured` when it cannot be started."""
        entry = journal.note("process", what=words[0])
        environment = {**os.environ, **variables, RUN_MARKER: journal.run_id}
        try:
            self._child = subprocess.Popen(words, env=environment)
        except OSError as error:
            raise Misconfigured(
                f"-- {words[0]}: cannot be started: {error.strerror or error}"
            ) from error
        self._process = Process.of(self._child.pid)
        if self._process is not None:
            journal.amend(entry, pid=self._process.pid, started=self._process.started)

    def wait(self, look: Callable[[], None]) -> None:
        """Wait for its end; `look` is called now and then. A signal to us ends the waiting."""
        while self._child.poll() is None:
            look()
            time.sleep(_LOOK_INTERVAL_S)

    def end(self, interrupted_by: signal.Signals | None) -> int:
        """End it if we were interrupted, and give its exit code; 128 + signal where one ended it.

        Ctrl-C on a terminal has reached it already, and a program that cleans up after it is not
        disturbed before it has had its time; no other signal reaches it but through us.
        """
        if interrupted_by is not None:
            has_ended = interrupted_by is signal.SIGINT and self._ends_within(END_GRACE_S)
            if not has_ended:
                self._end_by_us()
        code = self._child.wait()
        return 128 - code if code < 0 else code

    def _end_by_us(self) -> None:
        self._child.terminate()
        if not self._ends_within(END_GRACE_S) and self._process is not None:
            kill_tree(self._process)

    def _ends_within(self, grace_s: float) -> bool:
        try:
            self._child.wait(grace_s)
        except subprocess.TimeoutExpired:
            return False
        return True
