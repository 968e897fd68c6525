"""Runs `shakedown` with marked secrets, and looks for them in everything that it let out."""

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.warm import run_shakedown

from .search import Find, Search
from .watch import Watch

DEADLINE_S = 170

KEY = 'marked/key+of the "gate" ü-5f1e-and-long-enough'
"""Has letters that every way of quoting changes."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that has ended, and what it let out."""

    code: int
    stdout: bytes
    stderr: bytes
    folder: Path
    watch: Watch

    @property
    def told(self) -> str:
        return (self.stdout + self.stderr).decode("utf-8", "replace")

    def report(self) -> dict[Path, bytes]:
        """Every file of the report, and whatever else the run left in its folder."""
        return {
            path.relative_to(self.folder): path.read_bytes()
            for path in sorted((self.folder / "out").rglob("*"))
            if path.is_file()
        }

    def text_of_the_report(self) -> str:
        return "\n".join(each.decode("utf-8", "replace") for each in self.report().values())

    def finds(self, search: Search) -> list[Find]:
        places = {"stdout": self.stdout, "stderr": self.stderr}
        places |= {str(path): content for path, content in self.report().items()}
        found = [find for where, text in places.items() for find in search.finds(where, text)]
        return [*found, *self.watch.finds(search)]


class Place:
    """A folder to run the command in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *words: str, **environment: str) -> Finished:
        """Run `shakedown` to its end, watched all the while."""
        watches: list[Watch] = []

        def watch(pid: int) -> None:
            watches.append(Watch((Path(tempfile.gettempdir()),), pid))
            watches[0].start()

        try:
            done = run_shakedown(
                words,
                cwd=self.folder,
                env=self._environment(environment),
                deadline_s=DEADLINE_S,
                begun=watch,
            )
        finally:
            for each in watches:
                each.stop()
        return Finished(
            code=done.code,
            stdout=done.stdout.encode(),
            stderr=done.stderr.encode(),
            folder=self.folder,
            watch=watches[0],
        )

    def run_as_program(self, *words: str, **environment: str) -> Finished:
        """The same, as a program with arguments of its own that all users can see."""
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            cwd=self.folder,
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        watch = Watch((Path(tempfile.gettempdir()),), process.pid)
        watch.start()
        try:
            stdout, stderr = process.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=60)
            pytest.fail(f"not done after {DEADLINE_S} s: {stdout!r}{stderr!r}")
        finally:
            watch.stop()
        return Finished(
            code=process.returncode,
            stdout=stdout,
            stderr=stderr,
            folder=self.folder,
            watch=watch,
        )

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, "KEPT_BY_THE_TEST": str(self.folder / "kept"), **more}

    def kept(self) -> list[str]:
        """The secrets that checks of a test have put aside, which nobody knew beforehand."""
        path = self.folder / "kept"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
