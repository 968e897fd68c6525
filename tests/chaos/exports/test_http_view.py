"""Which exports have not ended, as a client sees them again and again."""

from dataclasses import dataclass, field
from typing import cast

from chaos.exports.backlog import Backlog
from chaos.exports.http_view import HttpView
from harness.checkers import RecoveryTimes
from harness.client import Organization
from harness.client.answers.record import Record


@dataclass
class Shown:
    """An organization whose exports have these states, and a backlog of them."""

    states: dict[str, str]
    reads: list[str] = field(default_factory=list)
    id: str = "org"

    @property
    def client(self) -> "Shown":
        return self

    @property
    def owners(self) -> dict[str, "Shown"]:
        return dict.fromkeys(self.states, self)

    async def get_export(self, export_id: str) -> Record:
        self.reads.append(export_id)
        return Record(id=export_id, state=self.states[export_id], attempt=1, error_code=None)

    def view(self) -> HttpView:
        times = RecoveryTimes(stuck_timeout_s=1, sweep_interval_s=1, slack_s=1)
        return HttpView(
            backlog=cast("Backlog", self), times=times, bystander=cast("Organization", self)
        )


async def test_what_has_failed_is_live_again_after_its_retry() -> None:
    shown = Shown({"a": "failed", "b": "ready"})
    view = shown.view()
    assert await view.live() == []
    shown.states["a"] = "queued"
    assert [each.id for each in await view.live()] == ["a"]


async def test_what_is_ready_or_canceled_is_not_read_again() -> None:
    shown = Shown({"a": "canceled", "b": "ready", "c": "preparing"})
    view = shown.view()
    assert [each.id for each in await view.live()] == ["c"]
    shown.reads.clear()
    await view.live()
    assert shown.reads == ["c"]
