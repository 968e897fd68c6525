"""Which of an instance's commits belong to one piece of work."""

from chaos.drills.cut_writes.committed import once_only, shown

CLAIM, BEAT, DONE = "UPDATE q SET owner", "UPDATE q SET beat", "UPDATE q SET done"
EVENT = "INSERT INTO events"


def is_change(text: str) -> bool:
    return not text.startswith("SELECT")


def test_what_is_committed_again_and_again_is_no_step_of_the_work() -> None:
    commits = [(CLAIM,), (BEAT,), (BEAT,), (DONE,)]
    assert once_only(commits, is_change) == [CLAIM, DONE]


def test_a_statement_that_two_steps_share_names_neither() -> None:
    commits = [(EVENT, CLAIM), (EVENT, DONE), (EVENT,)]
    assert once_only(commits, is_change) == [CLAIM, DONE]


def test_what_only_reads_is_left_out() -> None:
    assert once_only([("SELECT 1", CLAIM), ("SELECT 2",)], is_change) == [CLAIM]


def test_long_statements_are_cut() -> None:
    assert shown("x" * 100) == "x" * 60 + "…"
    assert shown(CLAIM) == CLAIM
