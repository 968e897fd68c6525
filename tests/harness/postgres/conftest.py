from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.journal import Journal


@pytest.fixture
def journal(run_base: Path) -> Iterator[Journal]:
    made = Journal.begin(run_base)
    yield made
    healing = made.close()
    assert healing.ended == []  # whatever a test starts, it ends
    assert healing.problems == []
