"""A worker's grace begins with SIGTERM, whatever the drill waits for before it sends that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from chaos.drills import draining_in_an_outage
from chaos.drills.draining import Draining, overtaken_after_drains
from chaos.drills.draining_in_an_outage import LOCKED, DrainingInAnOutage
from chaos.drills.worker_drill import WorkerDrill
from harness.checkers.examples import transitions_of
from harness.system import Instance

WORKER = Instance(name="worker-1", role="worker", base_url="", log_path=Path("none.log"))


class Watched(DrainingInAnOutage):
    """Its worker ends at once, and never claims: its only place is taken."""

    did: list[str]

    @asynccontextmanager
    async def _exports_locked(self) -> AsyncIterator[None]:
        self.did.append("lock")
        yield

    async def _is_claiming(self) -> bool:
        self.did.append("look for a claim")
        return False


def draining(code: int) -> tuple[Draining, list[str]]:
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
        grace_s=0.1,
    )
    return Draining(drill=cast("WorkerDrill", drill), can_lock=True), did


async def test_the_grace_begins_when_the_lock_and_the_wait_are_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(draining_in_an_outage, "HANGS_WITHIN_S", 0.02)
    one, did = draining(0)
    watched = Watched(draining=one)
    watched.did = did
    assert await watched._stop({LOCKED: WORKER}) == {LOCKED: 0}
    assert did[0] == "lock"
    assert did[-4] == "look for a claim"
    assert did[-3:] == ["invoke drain worker-1", "SIGTERM", "ok drain worker-1"]


async def test_a_second_signal_is_no_second_drain() -> None:
    one, did = draining(-9)
    assert await one._stop(WORKER, twice=True) == -9
    assert did == ["invoke drain worker-1", "SIGTERM", "fail drain worker-1", "SIGTERM"]


QUEUED = "\n".join(f"o1.e{number} queued" for number in range(1, 7))
DRAINED = f"{QUEUED}\no1.e1 claimed w1\no1.e2 claimed w1\no1.e1 returned\no1.e2 returned"


def test_what_is_given_back_is_claimed_before_younger_ones() -> None:
    steps = transitions_of(f"{DRAINED}\no1.e1 claimed w2\no1.e2 claimed w2\no1.e3 claimed w2")
    assert overtaken_after_drains(steps, cap=3) == []


def test_what_is_given_back_has_lost_its_place() -> None:
    steps = transitions_of(f"{DRAINED}\no1.e3 claimed w2\no1.e4 claimed w2\no1.e5 claimed w2")
    assert {each.subject for each in overtaken_after_drains(steps, cap=3)} == {"o1.e1", "o1.e2"}
