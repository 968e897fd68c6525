"""The target files that come with the harness, and which of them a command line means."""

from pathlib import Path
from typing import Literal

from harness.errors import Misconfigured
from harness.target.environment import ENVIRONMENT_TARGETS, environment_target
from harness.target.target import Target

Choice = Literal["embedded", "docker"]

DOCKER_TARGET = Path(__file__).parent / "docker.toml"
"""The reference backend as images, with PostgreSQL in a container."""


def choose_target(file: Path | None, driver: Choice | None) -> Path | None:
    """Give the target file that `--target` and `--driver` mean; None is the embedded reference.

    With neither of them, variables that name a running backend decide.
    """
    if file is not None:
        return file
    if driver is None:
        return environment_target()
    return DOCKER_TARGET if driver == "docker" else None


def refuse_contradiction(target: Target, driver: Choice | None) -> None:
    """Raise `Misconfigured` where the file runs its pieces in another way than `--driver` says."""
    declared = {"process": "embedded", "docker": "docker"}.get(target.driver)
    if driver is None or driver == declared:
        return
    instead = f"leave --driver {driver} out" + (f", or say --driver {declared}" if declared else "")
    raise Misconfigured(
        f'--driver {driver} contradicts {target.file}, which says driver = "{target.driver}": a '
        f"target file decides for itself; {instead}"
    )


def options_for(
    file: Path | None, url: str | None = None, driver: Choice | None = None
) -> list[str]:
    """Give the options of a command line that lead to this target file, or this URL, again.

    From any folder; `driver` is what was said, which decides where variables name a backend.
    """
    if url is not None:
        return ["--target", url]
    if file is None or file in ENVIRONMENT_TARGETS:
        return ["--driver", driver] if driver and file is None else []
    return ["--driver", "docker"] if file == DOCKER_TARGET else ["--target", str(file.absolute())]
