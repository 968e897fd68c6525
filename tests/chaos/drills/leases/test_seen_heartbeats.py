"""How long nobody saw a heartbeat, and whether we looked."""

from datetime import datetime, timedelta

from chaos.drills.leases.seen_heartbeats import SeenHeartbeats
from chaos.exports.view import InProgress
from harness.checkers.examples import MIDNIGHT


def at(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


def held(heartbeat_s: float, attempt: int = 1) -> InProgress:
    return InProgress(export_id="e1", attempt=attempt, worker="w1", heartbeat_at=at(heartbeat_s))


def seen(*looks: tuple[float, InProgress | None]) -> SeenHeartbeats:
    """Look at these moments, each with what was in progress."""
    beats = SeenHeartbeats(watched={"e1": held(0)})
    for moment, each in looks:
        beats.look([each] if each else [], at(moment))
    return beats


def test_heartbeats_that_come_leave_no_silence() -> None:
    beats = seen((0.1, held(0)), (0.6, held(0.5)), (1.1, held(1)), (1.6, held(1.5)))

    assert beats.seen == 3
    assert beats.silences(0.51) == []
    assert not beats.left


def test_a_heartbeat_that_is_not_seen_to_change_is_a_silence_until_now() -> None:
    beats = seen((0.1, held(0)), (0.6, held(0)), (1.1, held(0)), (1.4, held(0)))

    [silence] = beats.silences(1)

    assert silence.length == timedelta(seconds=1.4)
    assert silence.unwatched == timedelta(seconds=0.5)
    assert beats.seen == 0


def test_a_heartbeat_between_two_late_looks_ends_the_silence_when_it_was_written() -> None:
    beats = seen((0.1, held(0)), (3, held(0.9)))

    assert beats.silences(1) == []


def test_an_export_that_was_taken_over_has_left() -> None:
    assert seen((0.1, held(0)), (0.2, held(0.15, attempt=2))).left == {"e1"}
    assert seen((0.1, held(0)), (0.2, None)).left == {"e1"}


def test_heartbeats_of_the_future_do_not_hide_a_silence() -> None:
    beats = seen((0.1, held(60)), (1.5, held(60)))

    assert [each.length for each in beats.silences(1)] == [timedelta(seconds=1.4)]
