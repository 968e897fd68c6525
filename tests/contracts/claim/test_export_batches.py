from contracts.claim.export_batches import jobs_each
from harness.plugin.observations import Observations
from harness.target.tables.pace import Pace


def test_as_many_jobs_as_the_exports_take() -> None:
    observe = Observations()
    assert jobs_each(Pace(), 200, 5, observe) == 20
    assert observe.excused == {}


def test_fewer_at_a_slow_pace_and_a_pass_needs_fewer() -> None:
    observe = Observations()
    assert jobs_each(Pace(export_s=2), 200, 5, observe) == 2
    assert observe.still_needed(200) == 20
    assert [*observe.excused.values()] == [180]


def test_never_less_than_one_job_each() -> None:
    observe = Observations()
    assert jobs_each(Pace(export_s=900), 24, 2, observe) == 1
    assert observe.still_needed(24) == 4
    assert jobs_each(Pace(export_s=900), 32, 2, observe, types=1) == 1
