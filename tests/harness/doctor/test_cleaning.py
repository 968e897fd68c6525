"""What is said of things that a walk made."""

from harness.client.run_mark import Leftovers
from harness.doctor.cleaning import of_leftovers

NO_CALL = "the target file has no [cleanup]"


def test_all_that_is_gone() -> None:
    step = of_leftovers(Leftovers(made=4, removed=4, left=()))
    assert (step.how, step.seen) == ("holds", "4 of 4 things removed")


def test_what_no_call_removes_has_its_lines() -> None:
    left = (f"evidence e1: {NO_CALL} evidence", f"job j1: {NO_CALL} job", f"job j2: {NO_CALL} job")
    step = of_leftovers(Leftovers(made=4, removed=1, left=left))
    assert step.how == "not looked at"
    assert step.lines == (
        "[cleanup]",
        'evidence = { method = "DELETE", path = "/…/{evidence_id}" }',
        'job = { method = "DELETE", path = "/…/{job_id}" }',
    )


def test_a_call_that_is_refused_does_not_hold() -> None:
    step = of_leftovers(Leftovers(made=1, removed=0, left=("job j1: DELETE answered 403",)))
    assert (step.how, step.lines) == ("does not hold", ())
    assert "DELETE answered 403" in step.seen
