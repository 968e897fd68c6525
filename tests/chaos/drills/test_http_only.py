"""What a drill makes of what it sees over HTTP: whom it catches, and what it calls a change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from chaos.drills import http_only
from chaos.drills.http_only import Drill, differences
from chaos.exports.backlog import Backlog
from harness.checkers import RecoveryTimes
from harness.client import Organization, Record
from harness.errors import Inconclusive
from harness.plugin.fixtures import OwnSystem
from harness.system import Instance

TIMES = RecoveryTimes(stuck_timeout_s=1, sweep_interval_s=0.1, slack_s=0.1)
WORKER = cast("Instance", type("Worker", (), {"name": "worker-1"})())


@dataclass
class FakeSystem:
    """A system whose exports change each time that the worker has run for a while."""

    states: list[dict[str, tuple[str, int]]]
    """State and attempt by export, one after the other; the last one stays."""
    can_write: list[int] = field(default_factory=list)
    """Statuses of the writes that are tried, one after the other; then 201."""
    grown: int = 0
    frozen: bool = True

    # The system.

    async def resume(self, _: object) -> None:
        self.frozen = False

    async def pause(self, _: object) -> None:
        self.frozen = True
        if len(self.states) > 1:
            self.states.pop(0)

    # The backlog.

    @property
    def owners(self) -> Mapping[str, Any]:
        return dict.fromkeys(self.states[0], self)

    async def grow(self, organizations: int) -> None:
        self.grown += organizations

    # An organization, and its client.

    id = "org"

    @property
    def client(self) -> "FakeSystem":
        return self

    def marked(self, title: str) -> str:
        return title

    async def call(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - an answer
        return type("Answer", (), {"status": self.can_write.pop(0) if self.can_write else 201})()

    async def get_export(self, export_id: str) -> Record:
        state, attempt = self.states[0][export_id]
        return Record(id=export_id, state=state, attempt=attempt, error_code=None)

    @property
    def drill(self) -> Drill:
        own = cast("OwnSystem", type("Own", (), {"system": self})())
        backlog = cast("Backlog", self)
        bystander = cast("Organization", self)
        return Drill(own=own, backlog=backlog, times=TIMES, max_attempts=3, bystander=bystander)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_only, "RUN_FOR_S", (0.001,))
    monkeypatch.setattr(http_only, "FREEZE_DEADLINE_S", 0.3)


async def test_a_worker_is_caught_with_what_it_has_claimed_itself() -> None:
    fake = FakeSystem(
        [
            {"a": ("preparing", 1), "b": ("queued", 0), "c": ("preparing", 1)},
            {"a": ("preparing", 1), "b": ("preparing", 1), "c": ("preparing", 2)},
        ]
    )
    assert set(await fake.drill.catch(WORKER)) == {"b", "c"}
    assert fake.frozen


@pytest.mark.parametrize(
    "states",
    [
        [{"a": ("queued", 0)}, {"a": ("ready", 1)}],
        [{"a": ("queued", 2)}, {"a": ("preparing", 3)}],
        [{"a": ("preparing", 1)}],
    ],
    ids=["too fast", "the last attempt", "another's"],
)
async def test_a_worker_that_is_not_caught_is_inconclusive(states: Any) -> None:  # noqa: ANN401
    fake = FakeSystem(states)
    with pytest.raises(Inconclusive, match="worker-1 was never seen with an export in progress"):
        await fake.drill.catch(WORKER)
    assert fake.grown, "it must have had something to do"


async def test_a_worker_that_holds_everybody_up_goes_on_for_a_moment() -> None:
    fake = FakeSystem(
        [{"a": ("queued", 0)}, {"a": ("preparing", 1)}, {"a": ("preparing", 1)}], can_write=[503]
    )
    assert set(await fake.drill.catch(WORKER)) == {"a"}
    assert len(fake.states) == 1, "it was let go a second time"


async def test_waiting_ends_when_nothing_is_live_and_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = FakeSystem([{"a": ("ready", 1), "b": ("failed", 3)}])
    assert (await done.drill.until_done())["b"]["state"] == "failed"
    monkeypatch.setattr(http_only, "WORK_S", -1.0)
    stuck = FakeSystem([{"a": ("preparing", 1)}])
    assert (await stuck.drill.until_done())["a"]["state"] == "preparing"


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (lambda told: told["export e"].update(attempt=2), ["export e changed: attempt 1, now 2"]),
        (
            lambda told: told["the events of e"].append({"ledger_seq": 3, "event_name": "x"}),
            ["the events of e changed: ['2 y'], now ['2 y', '3 x']"],
        ),
        (
            lambda told: told.update({"the bytes of e": b"xy"}),
            ["the bytes of e changed: 1 bytes, "],
        ),
        (lambda told: told.pop("export e"), ["export e changed: {'attempt': 1}, now None"]),
        (lambda told: None, []),
    ],
)
def test_every_change_is_told(after: Callable[[Any], None], told: list[str]) -> None:
    def state() -> dict[str, Any]:
        events = [{"ledger_seq": 2, "event_name": "y"}]
        return {"export e": {"attempt": 1}, "the events of e": events, "the bytes of e": b"x"}

    later = state()
    after(later)
    found = differences(state(), later)
    assert len(found) == len(told)
    assert all(line.startswith(begin) for line, begin in zip(found, told, strict=True))
