"""Busy processes are there while something is measured, and gone afterwards."""

import contextlib

import psutil
import pytest

from benchmarks.clean import stress

pytestmark = pytest.mark.integration


def test_as_many_as_there_are_cores_and_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _program: None)
    before = set(psutil.Process().children())
    with contextlib.suppress(ZeroDivisionError), stress.busy_cores(5) as told:
        started = set(psutil.Process().children()) - before
        assert len(started) == stress.cores()
        assert told == f"{stress.cores()} busy processes"
        raise ZeroDivisionError
    assert not any(each.is_running() for each in started)
