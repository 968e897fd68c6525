from harness.explore.running.lock_waits import is_settled

A, B, C, STRANGER = 11, 12, 13, 99
OWN = {A, B, C}


def test_whoever_waits_for_an_open_transaction_of_ours_waits_for_our_next_step() -> None:
    assert is_settled({B}, {B: (A,)}, OWN)


def test_a_queue_ends_at_somebody_who_is_idle() -> None:
    assert is_settled({B, C}, {B: (A,), C: (A, B)}, OWN)


def test_whoever_waits_for_nothing_is_at_work() -> None:
    assert not is_settled({B}, {}, OWN)
    assert not is_settled({B, C}, {C: (B,)}, OWN)


def test_a_circle_is_for_the_server_to_break() -> None:
    assert not is_settled({A, B}, {A: (B,), B: (A,)}, OWN)


def test_a_stranger_will_go_away() -> None:
    assert not is_settled({B}, {B: (STRANGER,)}, OWN)
    assert not is_settled({B}, {B: (A, STRANGER)}, OWN)
