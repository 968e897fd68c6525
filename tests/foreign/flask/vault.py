"""Where bytes lie: `incoming/` while they come, `vault/` once kept, `out/` for bundles.

A client's file name is never part of a path. Moving a file within one file system is atomic.
"""

import time
import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Vault:
    """Folders below the data directory. Paths in records are relative to it."""

    root: Path

    def prepare(self) -> None:
        """Make the folders that are missing."""
        for name in ("incoming", "vault", "out"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def incoming(self) -> Path:
        """A path of its own for bytes that are coming."""
        return self.root / "incoming" / str(uuid.uuid4())

    def unfinished_bundle(self, bundle: str, lease: str) -> Path:
        """Where one attempt at a bundle writes: no other attempt shares it."""
        return self.root / "incoming" / f"{bundle}.{lease}"

    def keep_file(self, came: Path, project: str, file: str, name: str) -> str:
        """Move what came to where files are kept; the answer is its path for the record."""
        return self._move(came, kept_path(project, file, name))

    def keep_bundle(self, made: Path, bundle: str) -> str:
        """Move a bundle that was made to where it is served from."""
        return self._move(made, f"out/{bundle}.zip")

    def path(self, kept_in: str) -> Path:
        """The file of a record."""
        return self.root / kept_in

    def forget(self, kept_in: str) -> None:
        """Remove a file whose record was not written after all."""
        self.path(kept_in).unlink(missing_ok=True)

    def sweep(self, older_than_s: float) -> None:
        """Remove what came for requests and attempts whose process died."""
        for path in (self.root / "incoming").glob("*"):
            try:
                if time.time() - path.stat().st_mtime > older_than_s:
                    path.unlink()
            except FileNotFoundError:
                continue  # another worker sweeps as well

    def _move(self, source: Path, kept_in: str) -> str:
        target = self.root / kept_in
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        return kept_in


def kept_path(project: str, file: str, name: str) -> str:
    """Where a file is kept: by its id alone."""
    return f"vault/{file[:2]}/{file}"
