"""Which property is which field: by words, by kind of value, by what is left."""

from collections.abc import Mapping
from typing import Any

from harness.init.fields import Matched, match_fields
from harness.init.guess import Certainty
from harness.init.lexicon import lexicon
from harness.init.references import Document
from harness.init.things import properties
from tests.harness.init.documents import ID, NUMBER, TEXT, TIME, many, thing


def matched(resource: str, **members: Mapping[str, Any]) -> Matched:
    return match_fields(lexicon(), resource, properties(Document({}), thing(**members)))


def places(found: Matched) -> dict[str, str]:
    return {one.field: one.place.pointer for one in found.found if one.certainty.is_written}


def test_a_field_is_found_by_its_words_in_any_spelling() -> None:
    found = matched("export", progressPct=NUMBER, retry_count=NUMBER, lockedBy=TEXT)
    assert places(found) == {
        "progress": "/progressPct",
        "attempt": "/retry_count",
        "claimed_by": "/lockedBy",
    }


def test_the_kind_of_value_must_fit() -> None:
    assert "started_at" not in places(matched("export", started={"type": "boolean"}))
    assert "started_at" in places(matched("export", started=TIME))


def test_what_is_within_an_object_is_found_there() -> None:
    found = matched("export", id=ID, failure=thing(code=TEXT, message=TEXT))
    assert places(found)["error_code"] == "/failure/code"
    assert places(found)["error_message"] == "/failure/message"


def test_what_is_within_the_manifest_is_not_the_exports() -> None:
    inner = thing(job_id=ID, created_at=TIME, version=TEXT)
    found = places(matched("export", id=ID, case_id=ID, manifest=inner))
    assert found["job_id"] == "/case_id"
    assert not [pointer for pointer in found.values() if pointer.startswith("/manifest/")]


def test_two_that_are_as_near_are_doubtful() -> None:
    found = matched("ledger_event", digest=TEXT, checksum=TEXT)
    (one,) = [each for each in found.found if each.field == "hash"]
    assert one.certainty is Certainty.DOUBTFUL


def test_the_only_time_that_is_left_is_when_it_was_made() -> None:
    assert places(matched("job", id=ID, onboarded=TIME))["created_at"] == "/onboarded"
    # A time that other backends have beside it is not taken, nor is one of two.
    assert "created_at" not in places(matched("job", id=ID, updated_at=TIME))
    assert "created_at" not in places(matched("job", id=ID, onboarded=TIME, audited=TIME))


def test_a_lease_is_no_heartbeat() -> None:
    assert "heartbeat_at" not in places(matched("export", id=ID, lease_until=TIME, expires_at=TIME))


def test_what_could_still_be_it_is_not_called_missing() -> None:
    found = matched("job", id=ID, title=TEXT, created_at=TIME, zorb_id=ID)
    assert "organization_id" in found.unclear
    assert "organization_id" in matched("job", id=ID, title=TEXT, created_at=TIME).missing


def test_a_list_is_no_text() -> None:
    assert "tag" not in places(matched("evidence", tags=many(TEXT)))
