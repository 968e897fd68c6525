"""Refusals in other words than declared lead to lines, and what is no refusal to none."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.client import Answer
from harness.doctor import advice
from harness.doctor.refusing import Refused, of_refusals
from harness.target import Target, load_target
from tests.answers import answer
from tests.target_files import write


def target(folder: Path, more: str = "") -> Target:
    external = 'name = "x"\ndriver = "external"\napi.base_urls = ["http://127.0.0.1:8000"]\n'
    return load_target(write(folder, f'{external}tokens.given = {{ token = "t" }}\n{more}'))


def said(status: int, document: object) -> Answer:
    return answer(status, json.dumps(document).encode(), content_type="application/json")


def reused(got: Answer) -> Refused:
    return Refused(status=422, code="idempotency_key_reused", is_demanded=True, answer=got)


@pytest.mark.parametrize(
    ("got", "is_right"),
    [
        (said(422, {"code": "idempotency_key_reused"}), True),
        (said(422, {"code": "another"}), False),
        (said(422, {}), False),
        (said(409, {"code": "idempotency_key_reused"}), False),
        (replace(said(400, {}), also=(said(422, {"code": "idempotency_key_reused"}),)), True),
    ],
)
def test_status_and_a_demanded_code_must_be_right(got: Answer, is_right: bool) -> None:
    assert reused(got).is_right == is_right


def test_a_code_that_no_check_asks_for_may_be_the_backends() -> None:
    unknown = Refused(status=404, code="not_found", answer=said(404, {"code": "NoSuchThing"}))
    assert unknown.is_right
    assert not replace(unknown, answer=said(400, {"code": "not_found"})).is_right


def test_other_words_lead_to_lines(tmp_path: Path) -> None:
    told = of_refusals([reused(said(409, {"code": "KEY_REUSED"}))], target(tmp_path))
    assert told.lines == (
        "[contract.refusals]",
        '"422 idempotency_key_reused" = "409 KEY_REUSED"',
    )


def test_what_is_declared_to_stand_for_something_else_is_written_as_it_was_sent(
    tmp_path: Path,
) -> None:
    meant = said(409, {"code": "idempotency_key_in_flight"})
    found = reused(replace(meant, as_sent=said(409, {"error": "reused"})))
    told = of_refusals([replace(found, place="/error")], target(tmp_path))
    assert told.lines[1] == '"422 idempotency_key_reused" = "409 reused"'


def test_an_error_without_a_code_leads_to_the_place_of_one(tmp_path: Path) -> None:
    wrong = [reused(said(409, {"message": "It was used before.", "error": {"kind": "reused"}}))]
    told = of_refusals(wrong, target(tmp_path))
    assert told.lines == (
        "[contract.refusals]",
        '"422 idempotency_key_reused" = "409"',
        "[contract.problem]",
        'content_type = "application/json"',
        'code = "/error/kind"',
    )
    declared = target(tmp_path, 'contract.problem = { code = "/error/kind" }\n')
    assert "[contract.problem]" not in of_refusals(wrong, declared).lines


def test_an_error_that_is_no_json_has_no_place() -> None:
    page = answer(400, b"<html>", content_type="text/html; charset=utf-8")
    assert advice.of_error(page) == ('content_type = "text/html"', 'code = "/…"')


def test_what_is_accepted_or_fails_is_no_matter_of_words(tmp_path: Path) -> None:
    wrong = [reused(said(201, {"data": {}})), reused(said(500, {"code": "oops"}))]
    told = of_refusals(wrong, target(tmp_path))
    assert not told.lines
    assert "a bug" in told.hint
    assert "its log says why" in told.hint
