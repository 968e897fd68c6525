from harness.plugin.extent.export_time import UNKNOWN_EXPORTS, deadline_s, export_counts, extra_s
from harness.plugin.session.listing import find_checks
from harness.target.tables.pace import Pace

SLOW = Pace(export_s=5)


def test_every_check_was_counted() -> None:
    known = {spec.id.partition("[")[0] for spec in find_checks((), built_in=True).known.values()}
    assert export_counts().keys() == known


def test_what_a_pace_adds() -> None:
    assert extra_s("claim.exactly-once", SLOW) == 10 * 5
    assert extra_s("hash.tamper", SLOW) == 8 * 5
    assert extra_s("own.check", SLOW) == UNKNOWN_EXPORTS * 5
    assert extra_s("upload.size-limit", SLOW) == 0
    assert extra_s("claim.exactly-once", Pace()) == 0
    assert extra_s("claim.exactly-once", Pace(export_s=5, at_once=4)) == 9 * 5


def test_a_slow_pace_makes_deadlines_longer() -> None:
    assert deadline_s("claim.exactly-once", 60, Pace()) == 60
    # Also of a check that makes no exports: those of others may be before it in the queue.
    assert deadline_s("upload.size-limit", 60, SLOW) > 60
    assert deadline_s("claim.exactly-once", 60, SLOW) > 60 + 2 * 10 * 5
