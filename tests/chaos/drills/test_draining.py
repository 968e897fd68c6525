"""A worker's grace begins with SIGTERM, whatever the drill waits for before it sends that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from chaos.drills import draining
from chaos.drills.draining import Draining, overtaken_after_drains
from chaos.drills.worker_drill import WorkerDrill
from harness.checkers.examples import transitions_of
from harness.system import Instance

WORKER = Instance(name="worker-1", role="worker", base_url="", log_path=Path("none.log"))


class Watched(Draining):
    """Its worker ends at once, and never claims: its only place is taken."""

    did: list[str]

    @asynccontextmanager
    async def _exports_locked(self) -> AsyncIterator[None]:
        self.did.append("lock")
        yield

    async def _is_claiming(self) -> bool:
        self.did.append("look for a claim")
        return False


def watched(code: int) -> Watched:
    did: list[str] = []

    async def stop(*_: object) -> int:
        did.append("SIGTERM")
        return code

    def write(kind: str, **fields: object) -> None:
        did.append(f"{kind} {fields['f']} {fields['worker']}")

    drill = SimpleNamespace(
        own=SimpleNamespace(system=SimpleNamespace(stop=stop)),
        history=SimpleNamespace(write=write),
        process="chaos",
    )
    made = Watched(drill=cast("WorkerDrill", drill), grace_s=0.1, can_lock=True)
    made.did = did
    return made


async def test_the_grace_begins_when_the_lock_and_the_wait_are_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(draining, "HANGS_WITHIN_S", 0.02)
    one = watched(0)
    assert await one._stop(WORKER, twice=False, locked=True) == 0
    assert one.did[0] == "lock"
    assert one.did[-4] == "look for a claim"
    assert one.did[-3:] == ["invoke drain worker-1", "SIGTERM", "ok drain worker-1"]


async def test_a_second_signal_is_no_second_drain() -> None:
    one = watched(-9)
    assert await one._stop(WORKER, twice=True, locked=False) == -9
    assert one.did == ["invoke drain worker-1", "SIGTERM", "fail drain worker-1", "SIGTERM"]


QUEUED = "\n".join(f"o1.e{number} queued" for number in range(1, 7))
DRAINED = f"{QUEUED}\no1.e1 claimed w1\no1.e2 claimed w1\no1.e1 returned\no1.e2 returned"


def test_what_is_given_back_is_claimed_before_younger_ones() -> None:
    steps = transitions_of(f"{DRAINED}\no1.e1 claimed w2\no1.e2 claimed w2\no1.e3 claimed w2")
    assert overtaken_after_drains(steps, cap=3) == []


def test_what_is_given_back_has_lost_its_place() -> None:
    steps = transitions_of(f"{DRAINED}\no1.e3 claimed w2\no1.e4 claimed w2\no1.e5 claimed w2")
    assert {each.subject for each in overtaken_after_drains(steps, cap=3)} == {"o1.e1", "o1.e2"}
