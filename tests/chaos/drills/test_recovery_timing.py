"""The times of recovery that a drill's own system has."""

import pytest

from chaos.drills.recovery_timing import recovery_times, with_own_times
from harness.errors import Inconclusive
from harness.target import Target, load_target
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import Claim


@pytest.fixture(scope="module")
def target() -> Target:
    return load_target()


def test_what_the_target_fills_in_is_the_drill_s_own(target: Target) -> None:
    values = {"stuck_timeout_s": "3.5", "drain_grace_s": "1.5", "heartbeat_interval_s": "0.4"}
    own = with_own_times(target, values)
    assert recovery_times(own).stuck_timeout_s == 3.5
    assert own.worker is not None
    assert (own.worker.grace_s, own.worker.heartbeat_interval_s) == (1.5, 0.4)
    assert recovery_times(target).stuck_timeout_s == 2


def test_where_it_is_not_filled_in_the_declared_time_stays(target: Target) -> None:
    assert target.worker is not None
    bare = target.model_copy(
        update={
            "api": target.api.model_copy(update={"environment": {}}),
            "worker": target.worker.model_copy(update={"environment": {}}),
        }
    )
    assert with_own_times(bare, {"stuck_timeout_s": "3.5", "drain_grace_s": "1"}) == bare


def test_leases_are_reckoned_by_the_drill_s_own_time(target: Target) -> None:
    leased = target.model_copy(update={"claim": Claim(lease_until="until")})
    table = ExportTable.of(with_own_times(leased, {"stuck_timeout_s": "5"}))
    assert table is not None
    assert "interval '5.0" in table.shown("heartbeat_at", "own")


def test_one_that_is_too_long_is_not_waited_for(target: Target) -> None:
    with pytest.raises(Inconclusive, match="stuck_timeout_s = 60"):
        recovery_times(with_own_times(target, {"stuck_timeout_s": "60"}))
