"""What is known of a check while it runs."""

import time

import pytest

from harness.asks import Asked
from harness.events import Phase
from harness.findings.exchanges import Recent
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.judging.findings import Outcome
from harness.plugin.observations import Observations
from harness.target.capability import Capability


class CheckState:
    """What is known of a check while it runs."""

    def __init__(self, cells: Cells) -> None:
        self.began = time.monotonic()
        self.observations = Observations()
        self.coverage = Coverage()
        self.missing: frozenset[Capability] = frozenset()
        self.cells = cells
        self.asked = Asked()
        self.recent = Recent()
        """What the check sent last, outside its cells."""
        self.outcomes: list[Outcome] = []
        self.phases: list[Phase] = []
        self.log: list[str] = []


STATE = pytest.StashKey[CheckState]()
