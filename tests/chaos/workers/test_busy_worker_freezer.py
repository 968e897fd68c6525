"""Which workers count as caught at work, seen over HTTP and in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from chaos.exports.backlog import Backlog
from chaos.exports.http_view import HttpView
from chaos.exports.view import InProgress, View
from chaos.workers import busy_worker_freezer
from chaos.workers.busy_worker_freezer import BusyWorkerFreezer
from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import RecoveryTimes
from harness.client import Organization, Record
from harness.errors import Inconclusive
from harness.system import Instance, System

TIMES = RecoveryTimes(stuck_timeout_s=1, sweep_interval_s=0.1, slack_s=0.1)


def worker(name: str) -> ParkedWorker:
    return ParkedWorker(worker=cast("Instance", type("Worker", (), {"name": name})()))


@dataclass
class FakeSystem:
    """A system whose exports change each time that the worker has run for a while."""

    states: list[dict[str, tuple[str, int]]]
    """State and attempt by export, one after the other; the last one stays."""
    can_write: list[int] = field(default_factory=list)
    """Statuses of the writes that are tried, one after the other; then 201."""
    grown: int = 0
    frozen: bool = False
    resumed: int = 0

    # The system.

    async def resume(self, _: object) -> None:
        self.frozen = False
        self.resumed += 1

    async def pause(self, _: object) -> None:
        if not self.frozen and self.resumed and len(self.states) > 1:
            self.states.pop(0)
        self.frozen = True

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
    def view(self) -> HttpView:
        return HttpView(
            backlog=cast("Backlog", self),
            times=TIMES,
            bystander=cast("Organization", self),
            run_for_s=(0.001,),
        )

    def freezer(
        self, *workers: ParkedWorker, view: View | None = None, deadline_s: float = 30
    ) -> BusyWorkerFreezer:
        return BusyWorkerFreezer(
            system=cast("System", self),
            workers=workers or (worker("worker-1"),),
            backlog=cast("Backlog", self),
            view=view or self.view,
            max_attempts=3,
            deadline_s=deadline_s,
        )


async def test_a_worker_is_caught_with_what_it_has_claimed_itself() -> None:
    fake = FakeSystem(
        [
            {"a": ("preparing", 1), "b": ("queued", 0), "c": ("preparing", 1)},
            {"a": ("preparing", 1), "b": ("preparing", 1), "c": ("preparing", 2)},
        ]
    )
    assert set(await fake.freezer().freeze_busy()) == {("b", 1), ("c", 2)}
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
    with pytest.raises(Inconclusive, match="worker-1 "):
        await fake.freezer(deadline_s=1).freeze_busy()
    assert fake.grown > busy_worker_freezer.FIRST_ORGANIZATIONS, "it must have had work"


async def test_a_worker_that_blocks_others_goes_on_for_a_moment() -> None:
    states = [{"a": ("queued", 0)}, {"a": ("preparing", 1)}, {"a": ("preparing", 1)}]
    fake = FakeSystem(states, can_write=[201, 503])
    assert set(await fake.freezer().freeze_busy()) == {("a", 1)}
    assert fake.resumed == 2, "it was let go a second time"


async def test_one_that_always_blocks_others_is_inconclusive() -> None:
    fake = FakeSystem([{"a": ("queued", 0)}], can_write=[503] * 1000)
    with pytest.raises(Inconclusive, match="worker-1 can be frozen"):
        await fake.freezer(deadline_s=1).freeze_busy()


class DatabaseLike(HttpView):
    """Sees who holds what: a list for each look, the last one stays."""

    looks: Sequence[Mapping[str, str]] = ()

    async def in_progress(self) -> Sequence[InProgress]:
        now, *later = self.looks
        object.__setattr__(self, "looks", later or [now])
        return [
            InProgress(export_id=name, attempt=1, worker=owner, heartbeat_at=None)
            for name, owner in now.items()
        ]


def database_like(fake: FakeSystem, *looks: Mapping[str, str]) -> DatabaseLike:
    view = fake.view
    made = DatabaseLike(
        backlog=view.backlog,
        times=TIMES,
        bystander=view.bystander,
        shows_workers=True,
        run_for_s=(0.001,),
    )
    object.__setattr__(made, "looks", looks)
    return made


async def test_where_workers_are_seen_their_names_count() -> None:
    fake = FakeSystem([{"a": ("queued", 0), "b": ("queued", 0)}])
    view = database_like(fake, {"a": "w1"}, {"a": "w1"}, {"a": "w1"}, {"a": "w1", "b": "w2"})
    held = await fake.freezer(worker("w1"), worker("w2"), view=view).freeze_busy(at_once=True)
    assert {claim: each.worker.name for claim, each in held.items()} == {
        ("a", 1): "w1",
        ("b", 1): "w2",
    }


async def test_a_worker_that_lost_its_exports_is_caught_again() -> None:
    fake = FakeSystem([{"a": ("queued", 0), "b": ("queued", 0)}])
    # Three looks at each worker, then one at each: by then the second has the first one's export.
    caught, lost, again = {"a": "w1"}, {"a": "w2"}, {"a": "w2", "b": "w1"}
    view = database_like(fake, caught, caught, caught, lost, lost, lost, lost, lost, again)
    held = await fake.freezer(worker("w1"), worker("w2"), view=view).freeze_busy(at_once=True)
    assert ("b", 1) in held
    assert fake.resumed == 3


async def test_what_the_killed_held_is_theirs_and_a_stranger_is_refused() -> None:
    fake = FakeSystem([{"a": ("queued", 0), "b": ("queued", 0)}])
    dead, living = worker("w1"), worker("w2")
    view = database_like(fake, {"a": "w1"}, {"a": "w1"}, {"a": "w1", "b": "w2"})
    freezer = replace(fake.freezer(living, view=view), killed=(dead,))
    assert await freezer.freeze_busy() == {("b", 1): living}
    stranger = database_like(fake, {"a": "w1"})
    with pytest.raises(Inconclusive, match=r"claimed by \['w1'\]"):
        await fake.freezer(living, view=stranger).freeze_busy()


async def test_enough_is_enough() -> None:
    fake = FakeSystem([{"a": ("queued", 0)}])
    view = database_like(fake, {"a": "w1"})
    await fake.freezer(worker("w1"), worker("w2"), view=view).freeze_busy(enough=1)
    assert fake.resumed == 1


async def test_waiting_ends_when_nothing_is_live_and_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def none(*_: object) -> list[object]:
        return []

    monkeypatch.setattr("chaos.exports.http_view.get_completions", none)
    done = FakeSystem([{"a": ("ready", 1), "b": ("failed", 3)}]).view
    states = [each.state for each in (await done.wait_until_ended(TIMES, never)).exports]
    assert states == ["ready", "failed"]
    monkeypatch.setattr("chaos.exports.http_view.WORK_S", -2.0)
    stuck = FakeSystem([{"a": ("preparing", 1)}]).view
    [export] = (await stuck.wait_until_ended(TIMES, never)).exports
    assert export.state == "preparing"


def never(*_: object) -> bool:
    return False
