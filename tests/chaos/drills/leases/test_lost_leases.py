"""What a worker that goes on may find changed, and what it could claim."""

from collections.abc import Mapping
from datetime import timedelta

from chaos.drills.leases.lost_leases import taken_back, to_be_had, without
from chaos.exports.view import InProgress
from harness.checkers import ExportFact
from harness.checkers.examples import MIDNIGHT, example
from harness.vocabulary.exports import PREPARING, QUEUED

LOST: Mapping[str, InProgress] = {
    "e1": InProgress(
        export_id="e1", attempt=2, worker="w2", heartbeat_at=MIDNIGHT + timedelta(seconds=10)
    )
}
STORY = "e1 queued, e1 claimed w1 @1, e1 returned @9, e1 claimed w2 @10"


def export(name: str, state: str, organization: str = "o1") -> ExportFact:
    return ExportFact(id=name, state=state, attempt=1, organization_id=organization)


def test_a_lease_that_has_ended_may_be_taken() -> None:
    story = example("", f"{STORY}, e1 returned @12")

    assert taken_back(LOST, story.transitions, 2) == {"e1"}
    assert taken_back(LOST, story.transitions, 2.1) == set()


def test_what_became_of_other_exports_excuses_nothing() -> None:
    story = example("", f"{STORY}, e2 queued @30, e2 claimed w1 @31")

    assert taken_back(LOST, story.transitions, 2) == set()


def test_what_waits_behind_the_cap_of_its_organization_is_not_to_be_had() -> None:
    live = [export("e1", PREPARING), export("e2", QUEUED), export("e3", QUEUED, "o2")]

    assert to_be_had(live, 1) == ["e3"]
    assert to_be_had(live, 2) == ["e2", "e3"]


def test_events_about_an_export_go_with_it() -> None:
    shown = {"export e1": {"id": "e1"}, "ledger event 7": {"target_id": "e1"}, "export e2": {}}

    assert without(shown, {"e1"}) == {"export e2": {}}
    assert without(shown, set()) == shown
