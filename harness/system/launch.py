"""Bringing systems up."""

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.journal import Journal
from harness.system.system import System
from harness.target.target import Target


async def launch(
    target: Target,
    *,
    run_dir: Path,
    journal: Journal,
    on_progress: Callable[[str], None] = lambda _: None,
    api_instances: int | None = None,
    workers: int | None = None,
) -> System:
    """Bring up a system and wait until all of it is ready.

    Raises `Misconfigured` (or `InstanceFailed`) when that cannot be done; nothing is left then.
    """
    raise NotImplementedError


async def launch_sibling(
    system: System,
    *,
    api_instances: int | None = None,
    workers: int | None = None,
    environment: Mapping[str, str] = {},
    worker_environment: Mapping[str, str] = {},
) -> System:
    """Bring up another system beside this one: a fresh clone of its migrated database."""
    raise NotImplementedError
