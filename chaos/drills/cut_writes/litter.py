"""What killed processes leave in the storage, and whether it is gone in time."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from chaos.drills.worker_drill import WorkerDrill
from harness.client import Sample
from harness.errors import Inconclusive
from harness.expect import expect
from harness.waiting import becomes_true

LATE_S = 2.0
"""What a busy machine may take beyond the declared time."""

_MARK = slice(1024, 1536)
"""The bytes of a file that are looked for: no other file of the run has them."""
_READ_BYTES = 4 * 1024 * 1024
_POLL_S = 0.1


@dataclass(kw_only=True)
class Litter:
    """Looks for the bytes of uploads that were killed, in all files of the storage."""

    drill: WorkerDrill
    tidy_s: float
    """Within which litter is gone."""
    killed: list[Sample] = field(default_factory=list)
    """What was uploaded when its instance was killed; each is stored once in the end."""
    usual: int = 1
    """In how many files the bytes of one upload are that nothing disturbed."""

    @property
    def directory(self) -> Path:
        """Where the objects are."""
        directory = self.drill.own.system.storage_dir
        if self.drill.target.storage is None or directory is None:
            raise Inconclusive(
                'where the backend stores evidence is unknown: write [storage] layout = "directory"'
            )
        return directory

    def learn(self, kept: Sample) -> None:
        """Count the files of an upload that nothing disturbed. `Inconclusive` if there are none."""
        self.usual = len(self._holding(kept))
        if not self.usual:
            raise Inconclusive("what is uploaded cannot be found in the storage: it is encoded")

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.directory.rglob("*")):
            with suppress(OSError):
                if path.is_file():
                    yield path

    def _holding(self, sample: Sample) -> Sequence[Path]:
        mark, found = sample.content[_MARK], []
        for path in self._files():
            with suppress(OSError), path.open("rb") as file:
                if mark in file.read(_READ_BYTES):
                    found.append(path)
        return found

    def left(self) -> Sequence[Path]:
        """Give the files of killed uploads beyond those of their records."""
        return [path for sample in self.killed for path in self._holding(sample)[self.usual :]]

    async def wait_until_tidied(self, sample: Sample) -> None:
        """Wait until a file that is not recorded yet is old enough to be taken for litter.

        It returns at once when no file has these bytes any more. That a file was removed is no
        proof of anything: whose record was given up meanwhile is litter.
        """
        is_stored = await becomes_true(lambda: bool(self._holding(sample)), LATE_S, poll_s=_POLL_S)
        if is_stored:
            await becomes_true(
                lambda: not self._holding(sample), self.tidy_s + _POLL_S, poll_s=_POLL_S
            )

    async def expect_gone(self) -> None:
        """Fail unless it is gone within `tidy_s` from now on: a worker must run."""
        within_s = self.tidy_s + LATE_S
        await becomes_true(lambda: not self.left(), within_s, poll_s=_POLL_S)
        left = self.left()
        expect(
            not left,
            expected=f"the storage to hold each upload once, {self.tidy_s:g} s after instances "
            "were killed in its middle and the same was uploaded again ([storage] tidy_s)",
            got=f"{len(left)} more files, such as {left[0].relative_to(self.directory)}"
            if left
            else "",
            rule="half-written.litter-gone",
        )
