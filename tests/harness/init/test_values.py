"""States, types and events in other words."""

import pytest

from harness.init.guess import Certainty
from harness.init.lexicon import lexicon
from harness.init.values import events, evidence_state, export_types, states


def meaning(listed: list[str]) -> dict[str, tuple[str, ...]]:
    return {one.ours: one.theirs for one in states(lexicon(), listed) if one.certainty.is_written}


def test_states_in_other_words() -> None:
    listed = ["pending", "generating", "uploading", "completed", "errored", "aborted"]
    assert meaning(listed) == {
        "queued": ("pending",),
        "preparing": ("generating", "uploading"),
        "ready": ("completed",),
        "failed": ("errored",),
        "canceled": ("aborted",),
    }


def test_a_word_in_ing_is_work_under_way_and_not_sure() -> None:
    (one,) = [each for each in states(lexicon(), ["zipping"]) if each.ours == "preparing"]
    assert one.certainty is Certainty.LIKELY


def test_two_final_states_of_one_meaning_are_for_a_person() -> None:
    assert "ready" not in meaning(["queued", "running", "done", "delivered"])


def test_the_only_state_left_is_doubtful() -> None:
    found = states(lexicon(), ["queued", "running", "done", "failed", "zorb"])
    (one,) = [each for each in found if each.ours == "canceled"]
    assert (one.theirs, one.certainty) == (("zorb",), Certainty.DOUBTFUL)


def test_the_other_one_of_two_types() -> None:
    found = {one.ours: one.theirs for one in export_types(lexicon(), ["zorb", "audit"], "report")}
    assert found == {"ledger": ("audit",), "proof-pack": ("zorb",)}


def test_events_are_a_thing_and_what_was_done_to_it() -> None:
    words = lexicon().calling({"evidence": "photo", "export": "report"})
    listed = ["photo_uploaded", "report_requested", "report_ready", "report_failed", "user_login"]
    assert {one.ours: one.theirs[0] for one in events(words, listed)} == {
        "evidence.sealed": "photo_uploaded",
        "export.requested": "report_requested",
        "export.completed": "report_ready",
        "export.failed": "report_failed",
    }


@pytest.mark.parametrize(
    ("listed", "certainty"),
    [(["frozen"], Certainty.SURE), (["pending", "sealed"], Certainty.DOUBTFUL)],
)
def test_the_only_state_of_evidence(listed: list[str], certainty: Certainty) -> None:
    (one,) = evidence_state(lexicon(), listed)
    assert one.certainty is certainty
