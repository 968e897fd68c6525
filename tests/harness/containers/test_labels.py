"""Labels say whose something is, so that a stranger tells a dead run from a living one."""

import os
from typing import Any

import pytest

from harness.containers.labels import RUN, Labels
from harness.machine.journal import Owner


def ours() -> Labels:
    return Labels.of_run("17-abc", Owner.ours())


def test_what_is_written_is_read() -> None:
    labels = ours()
    written = labels.as_mapping()
    assert written[RUN] == "17-abc"
    assert all(isinstance(value, str) for value in written.values())
    assert Labels.read(written) == labels
    assert labels.uid == os.geteuid()
    assert labels.owner.is_alive()


@pytest.mark.parametrize("missing", sorted(ours().as_mapping()))
def test_what_lacks_a_label_is_not_ours(missing: str) -> None:
    written = ours().as_mapping()
    del written[missing]
    assert Labels.read(written) is None


@pytest.mark.parametrize("strange", [None, {}, {"com.example": "1"}])
def test_strangers_are_not_ours(strange: dict[str, Any] | None) -> None:
    assert Labels.read(strange) is None


def test_a_run_of_another_boot_is_over() -> None:
    written = ours().as_mapping() | {"dev.shakedown.owner.boot": "another"}
    read = Labels.read(written)
    assert read
    assert not read.owner.is_alive()
