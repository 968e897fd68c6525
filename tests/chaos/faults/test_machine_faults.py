"""Storage that is full or read-only and clocks that are wrong, where the machine allows them."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.faults.fault import Fault, injected
from chaos.faults.harm_storage import MOUNT, fill_storage, make_storage_read_only
from chaos.faults.proof import FaultNotShown, MachineLacks, TargetCannot
from chaos.faults.skew_clock import FAKETIME, clock_error_s, skew_clock
from harness.history import HistoryWriter, read_history
from harness.machine.journal import Journal
from harness.recovery.healing import end_run
from harness.system import System, launch, launch_sibling
from harness.target import load_target
from harness.target.load import DEFAULT_TARGET

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

needs_mounts = pytest.mark.skipif(bool(MOUNT.missing()), reason=MOUNT.missing())

STORAGE_BYTES = 8 * 1024 * 1024


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[System]:
    journal = Journal.begin()
    try:
        target = load_target(DEFAULT_TARGET)
        system = await launch(target, journal=journal, api_instances=0, workers=0)
        yield system
        await system.close()
    finally:
        await asyncio.to_thread(end_run, journal)


@pytest.fixture
def history(tmp_path: Path) -> HistoryWriter:
    return HistoryWriter(tmp_path / "history.jsonl")


async def nothing() -> None:
    pass


async def run(fault: Fault, system: System, history: HistoryWriter) -> dict[str | None, str]:
    async with injected(fault, journal=system.journal, history=history):
        pass
    entries = [each for each in read_history(history.path) if each.f == fault.label]
    return {each.step: each.seen or "" for each in entries}


FAULTS: dict[str, tuple[Callable[[System], Fault], int]] = {
    "full": (fill_storage, errno.ENOSPC),
    "nearly full": (lambda system: fill_storage(system, leave_bytes=64 * 1024), errno.ENOSPC),
    "read-only": (make_storage_read_only, errno.EROFS),
}


@needs_mounts
async def test_storage_is_full_nearly_full_and_read_only(
    shared: System, history: HistoryWriter
) -> None:
    own = await launch_sibling(shared, api_instances=0, workers=0, storage_bytes=STORAGE_BYTES)
    assert own.storage_dir is not None
    kept = own.storage_dir / "kept"
    kept.write_bytes(b"x" * 1000)
    for fault_of, number in FAULTS.values():
        seen = await run(fault_of(own), own, history)
        assert errno.errorcode[number] in seen["effect"]
        with pytest.raises(FaultNotShown):
            await run(replace(fault_of(own), inject=nothing), own, history)
    assert sorted(own.storage_dir.iterdir()) == [kept]
    await own.close()
    assert not own.storage_dir.is_mount()
    assert not own.storage_dir.exists()


@needs_mounts
async def test_files_that_stay_open_for_writing_do_not_hinder_a_read_only_storage(
    shared: System, history: HistoryWriter
) -> None:
    own = await launch_sibling(shared, api_instances=0, workers=0, storage_bytes=STORAGE_BYTES)
    assert own.storage_dir is not None
    with (own.storage_dir / "open").open("wb") as file:
        seen = await run(make_storage_read_only(own), own, history)
        file.write(b"it is writable again")
    assert seen["victim"] == "read-only for what is opened now"
    assert "EROFS" in seen["effect"]
    await own.close()
    assert not own.storage_dir.exists()


async def test_storage_that_others_use_is_not_harmed(shared: System) -> None:
    for fault_of, _ in FAULTS.values():
        with pytest.raises(TargetCannot, match="not on a file system of their own"):
            fault_of(shared)


@pytest.fixture
def faketime() -> None:
    """Skip without libfaketime, unless TESTS_NEED says that this machine has it."""
    if missing := FAKETIME.missing():
        if "libfaketime" in os.environ.get("TESTS_NEED", "").split():
            pytest.fail(f"TESTS_NEED: libfaketime: {missing}")
        pytest.skip(f"libfaketime: {missing}")


@pytest.mark.usefixtures("faketime")
@pytest.mark.parametrize("role", ["api", "worker"])
async def test_a_clock_is_wrong_and_right_again(
    shared: System, history: HistoryWriter, role: str
) -> None:
    own = await launch_sibling(
        shared, api_instances=int(role == "api"), workers=int(role == "worker")
    )
    [victim] = (*own.api, *own.workers)
    seen = await run(skew_clock(own, victim, -300), own, history)
    assert "wrong by -" in seen["effect"]
    [now] = (*own.api, *own.workers)
    assert abs(await clock_error_s(own, now)) < 5
    assert "LD_PRELOAD" not in now.environment
    await own.close()


async def test_a_clock_that_stays_right_and_a_machine_without_libfaketime_are_told(
    shared: System, history: HistoryWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await launch_sibling(shared, api_instances=0, workers=1)
    monkeypatch.setattr("chaos.faults.skew_clock.faketime_library", lambda: "")
    with pytest.raises(MachineLacks, match="libfaketime: it is not installed; apt-get install"):
        await run(skew_clock(own, own.workers[0], 60), own, history)
    fault = replace(skew_clock(own, own.workers[0], 60), machine=())
    with pytest.raises(FaultNotShown, match="worker-1 has not loaded libfaketime"):
        await run(fault, own, history)
    await own.close()
