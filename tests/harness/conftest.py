"""What tests of running things share: a place for runs that PostgreSQL's account can reach."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.machine.journal import Journal
from harness.recovery.healing import end_run


@pytest.fixture
def run_base() -> Iterator[Path]:
    """A directory for runs of this test alone; pytest's own is closed to other users."""
    path = Path(tempfile.mkdtemp(prefix="shakedown-test-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
def journal(run_base: Path) -> Iterator[Journal]:
    made = Journal.begin(run_base)
    yield made
    healing = end_run(made)
    assert healing.ended == []  # whatever a test starts, it ends
    assert healing.problems == []
