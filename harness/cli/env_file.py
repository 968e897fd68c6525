"""`up --env-file FILE`: what a client needs, in a file that is there exactly while it is true."""

import contextlib
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine.processes import Process

_MARK = "# written by `shakedown up`, removed when it ends; process "


def export_lines(variables: Mapping[str, str]) -> list[str]:
    """Give the lines by which a shell takes the variables over."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


class EnvFile:
    """The file: it appears whole, only its owner can read it, and it goes when the system does."""

    def __init__(self, path: Path) -> None:
        """Remove what an `up` that was killed left there.

        Raises `Misconfigured` for a file that is not ours, for one of an `up` that still runs,
        and where no file can be written.
        """
        self._path = path
        self._text = ""
        own = Process.ours()
        self._mark = f"{_MARK}{own.pid} {own.started}"
        try:
            self._take_place()
        except OSError as error:
            raise Misconfigured(
                f"--env-file {path}: cannot be written ({error.strerror or error}); name a file in "
                "a folder that you can write to"
            ) from error

    def write(self, variables: Mapping[str, str]) -> None:
        """Write the variables as lines for a shell."""
        self._text = "\n".join([self._mark, *export_lines(variables), ""])
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            # It holds tokens; one that waits for it never reads a half of it.
            made = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(made, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
                file.write(self._text)
            fresh.replace(self._path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise Misconfigured(
                f"--env-file {self._path}: cannot be written ({error.strerror or error})"
            ) from error

    def remove(self) -> None:
        """Remove the file, unless another one is in its place. Never raises."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if self._text and self._path.read_text(encoding="utf-8") == self._text:
                self._path.unlink()

    def _take_place(self) -> None:
        if not self._path.parent.is_dir():
            raise FileNotFoundError(2, f"{self._path.parent} is no folder")
        if not os.access(self._path.parent, os.W_OK):
            raise PermissionError(13, f"{self._path.parent} is closed to us")
        if not self._path.exists():
            return
        first = ""
        with contextlib.suppress(UnicodeDecodeError):
            first = self._path.read_text(encoding="utf-8").partition("\n")[0]
        if not first.startswith(_MARK):
            raise Misconfigured(
                f"--env-file {self._path}: the file was not written by `shakedown up`, so it is "
                "not replaced; name another one"
            )
        pid, _, started = first.removeprefix(_MARK).partition(" ")
        if pid.isdecimal() and Process(int(pid), started).is_alive():
            raise Misconfigured(
                f"--env-file {self._path}: belongs to another `shakedown up`, process {pid}, which "
                "still runs; name another file"
            )
        self._path.unlink()
