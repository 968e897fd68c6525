from chaos.staging.abort import WINDOW, AbortWatch
from harness.target.tables.chaos import Abort


def watch(limits: Abort | None = None) -> AbortWatch:
    return AbortWatch(limits or Abort(), now=0.0)


def test_nothing_happened() -> None:
    assert watch().reason == ""


def test_probes_that_fail_in_a_row() -> None:
    watched = watch(Abort(failing_probes=3, error_share=1.0))
    for is_ok in (False, False, True, False, False):
        watched.probed(is_ok=is_ok)
    assert watched.reason == ""
    watched.probed(is_ok=False)
    assert watched.reason == "3 probes in a row failed"


def test_once_decided_it_stays() -> None:
    watched = watch(Abort(failing_probes=1))
    watched.probed(is_ok=False)
    first = watched.reason
    for _ in range(100):
        watched.probed(is_ok=True)
    assert watched.reason == first != ""


def test_half_of_the_requests_are_not_more_than_half() -> None:
    watched = watch(Abort(failing_probes=1000))
    for number in range(2 * WINDOW):
        watched.requested(is_ok=number % 2 == 0)
    assert watched.reason == ""
    watched.requested(is_ok=False)
    watched.requested(is_ok=False)
    assert watched.reason == f"{WINDOW // 2 + 1} of the last {WINDOW} requests failed"


def test_few_requests_decide_nothing() -> None:
    watched = watch()
    for _ in range(WINDOW - 1):
        watched.requested(is_ok=False)
    assert watched.reason == ""


def test_no_progress_while_exports_are_waited_for() -> None:
    watched = watch(Abort(no_completion_s=10.0))
    watched.looked(waiting=0, completed=0, now=100.0)
    watched.looked(waiting=3, completed=0, now=110.0)
    assert watched.reason == ""
    watched.looked(waiting=3, completed=1, now=111.0)
    watched.looked(waiting=2, completed=0, now=121.0)
    assert watched.reason == ""
    watched.looked(waiting=2, completed=0, now=121.5)
    assert "10.5 s" in watched.reason
    assert "2 waiting" in watched.reason
