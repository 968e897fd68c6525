"""What a run carries along in pytest's stash, the same in the main process and in workers."""

import pytest

from harness.redaction.redactor import Redactor
from harness.system import System
from harness.target import Target

TARGET = pytest.StashKey[Target]()
SYSTEM = pytest.StashKey[System]()
REDACTOR = pytest.StashKey[Redactor]()


def target_of(config: pytest.Config) -> Target:
    """Give the target of the run."""
    return config.stash[TARGET]


def system_of(config: pytest.Config) -> System:
    """Give the system that all checks of the run share."""
    return config.stash[SYSTEM]


def redactor_of(config: pytest.Config) -> Redactor:
    """Give what hides the run's secrets."""
    return config.stash[REDACTOR]
