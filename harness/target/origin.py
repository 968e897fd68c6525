"""Where a target was loaded from."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a target was loaded from, and which permission the command line gave."""

    file: Path | None = None
    """None for the bundled one."""
    sha256: str = ""
    """The digest of the file's bytes, when they were read."""
    allow_faults: bool = False
    """Whether `--allow-faults` was given: the backend may be harmed."""
    variables: tuple[str, ...] = ()
    """The environment variables that the file names by `{env:NAME}`, in its order."""
