"""From an answer that stops a first run: the lines to write into the target file."""

import json

import pytest

from harness.doctor import advice
from harness.findings.exchanges import Exchange

ID = "0f9c2a5e-31d4-4a6b-9c41-5d0f6a7b8c9d"


def _exchange(status: int, answer: object = None, **headers: str) -> Exchange:
    return Exchange(
        method="POST",
        url="http://127.0.0.1:8000/api/jobs",
        headers=(),
        status=status,
        answer=json.dumps(answer).encode(),
        answer_headers=tuple((name.replace("_", "-"), text) for name, text in headers.items()),
    )


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (404, 'path = "/…"'),
        (405, 'method = "POST"'),
        (401, 'secret = "{env:JWT_SECRET}"'),
        (403, 'role_names = { owner = "…", member = "…", viewer = "…" }'),
        (200, "success = [200]"),
        (422, "[contract.operations.createJob.constants]"),
    ],
)
def test_a_refusal_leads_to_lines(status: int, line: str) -> None:
    assert line in advice.of_refusal("createJob", _exchange(status)).lines


def test_a_failure_of_the_backend_is_not_for_the_target_file() -> None:
    told = advice.of_refusal("createJob", _exchange(500))
    assert not told.lines
    assert "its log" in told.hint


def test_a_redirect_names_the_host_to_declare() -> None:
    told = advice.of_refusal(
        "downloadExport", _exchange(302, location="http://storage:9000/x?sig=1")
    )
    assert 'hosts = ["storage:9000"]' in told.lines


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ({"result": {"id": ID}}, ("[contract.envelope]", 'data = "/result"')),
        ({"id": ID}, ("[contract.envelope]", 'data = ""')),
        ({"case": {"deep": {"id": ID}}}, ("[contract.envelope]", 'data = "/case/deep"')),
        ({"data": {"case_id": ID}}, ("[contract.fields.job]", 'id = "/case_id"')),
    ],
)
def test_another_shape_is_found_by_its_id(answer: object, lines: tuple[str, ...]) -> None:
    missing = "id" if lines[0] == "[contract.fields.job]" else "data"
    assert advice.of_shape("createJob", "job", missing, _exchange(201, answer)).lines == lines


def test_lists_have_an_envelope_of_their_own() -> None:
    answer = {"items": [{"id": ID}], "next": None}
    told = advice.of_shape("listJobs", "job", "data", _exchange(200, answer))
    assert told.lines == ("[contract.envelope]", 'items = "/items"')


def test_unknown_states_are_asked_for_by_name() -> None:
    told = advice.of_states(["queued", "generating", "completed"])
    assert told.lines[0] == "[contract.values.export.state]"
    assert [each.split(" = ")[1].split(" ")[0] for each in told.lines[1:]] == [
        '"generating"',
        '"completed"',
    ]


def test_headers_that_are_not_there_can_be_declared() -> None:
    told = advice.of_absent_headers({"Location": "createJob", "Retry-After": "requestExport"})
    assert told.lines == ("[contract.without]", 'headers = ["Location", "Retry-After"]')
