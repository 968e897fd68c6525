"""The undo journal: what a run made, written down before it is made."""

from pathlib import Path
from typing import Self


class Journal:
    """The journal of one run, in the run's own directory."""

    run_id: str
    run_dir: Path

    @classmethod
    def begin(cls) -> Self:
        """Make the directory of a new run in the temp dir, and the journal within it."""
        raise NotImplementedError

    @classmethod
    def attach(cls, run_dir: Path) -> Self:
        """Write to the journal of a run that another process has begun."""
        raise NotImplementedError

    def close(self) -> None:
        """End whatever of this run is still there and remove its directory."""
        raise NotImplementedError
