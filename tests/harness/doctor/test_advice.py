"""From an answer that stops a first run: the lines to write into the target file."""

import json
from pathlib import Path

import pytest

from harness.doctor import advice
from harness.findings.exchanges import Exchange
from harness.target import Target, load_target
from tests.target_files import write

MINTED = 'mint = { secret = "s", claims = { sub = "{user}" } }'
ES256 = 'mint = { algorithm = "ES256", claims = { sub = "{user}" } }'
GIVEN = 'given = { token = "t" }'

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


def _target(folder: Path, tokens: str = MINTED, more: str = "") -> Target:
    started = 'driver = "process"\napi.command = ["serve"]\ndatabase.source = "none"\n'
    external = 'driver = "external"\napi.base_urls = ["http://127.0.0.1:8000"]\n'
    way = started if tokens == ES256 else external
    return load_target(write(folder, f'name = "x"\n{way}[tokens]\n{tokens}\n{more}'))


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
def test_a_refusal_leads_to_lines(status: int, line: str, tmp_path: Path) -> None:
    told = advice.of_refusal("createJob", _exchange(status), _target(tmp_path))
    assert line in told.lines


@pytest.mark.parametrize("status", [401, 403])
def test_given_tokens_are_not_to_be_minted_as_well(status: int, tmp_path: Path) -> None:
    told = advice.of_refusal("createJob", _exchange(status), _target(tmp_path, GIVEN))
    assert not told.lines, "the loader refuses two ways to tokens"
    assert "token" in told.hint


def test_tokens_of_a_key_pair_have_no_secret(tmp_path: Path) -> None:
    told = advice.of_token(_exchange(401), _target(tmp_path, ES256))
    assert 'algorithm = "ES256"' in told.lines
    assert not any("secret" in line for line in told.lines)


@pytest.mark.parametrize(
    ("said", "name"),
    [("No API key found in request.", "apikey"), ("X-API-Key is missing", "x-api-key")],
)
def test_a_key_beside_the_token_becomes_a_constant(said: str, name: str, tmp_path: Path) -> None:
    told = advice.of_refusal(
        "createJob", _exchange(401, {"message": said}), _target(tmp_path, GIVEN)
    )
    assert told.lines == (
        "[contract.constants]",
        f'headers = {{ {name} = "{{env:API_KEY}}" }}',
    )
    _target(tmp_path, GIVEN, "\n".join(told.lines).replace("{env:API_KEY}", "k"))


def test_a_key_that_is_declared_and_refused_is_not_to_be_declared_again(tmp_path: Path) -> None:
    target = _target(tmp_path, GIVEN, '[contract.constants]\nheaders = { apikey = "k" }\n')
    told = advice.of_gateway_key("401 No API key found in request.", target)
    assert told is not None
    assert not told.lines
    assert "is its value that of this backend?" in told.hint


def test_a_failure_of_the_backend_is_not_for_the_target_file(tmp_path: Path) -> None:
    told = advice.of_refusal("createJob", _exchange(500), _target(tmp_path))
    assert not told.lines
    assert "its log" in told.hint


@pytest.mark.parametrize(
    ("location", "host"),
    [("http://storage:9000/x?sig=1", "storage"), ("/object/x?sig=1", "127.0.0.1")],
)
def test_a_redirect_names_what_to_declare(location: str, host: str, tmp_path: Path) -> None:
    told = advice.of_refusal(
        "downloadExport", _exchange(302, location=location), _target(tmp_path), 60
    )
    assert told.lines == (
        "[contract.redirects]",
        f'hosts = ["{host}"]',
        "expires_s = 60",
        "[contract.operations.downloadExport]",
        "success = [302]",
    )
    declared = _target(tmp_path, MINTED, "\n".join(told.lines)).contract.redirects
    assert declared is not None
    assert declared.hosts == (host,)


def test_a_redirect_to_another_host_is_added_to_those_that_are_declared(tmp_path: Path) -> None:
    text = '[contract.redirects]\nhosts = ["a"]\nexpires_s = 9\n'
    text += "[contract.operations.downloadExport]\nsuccess = [302]\n"
    told = advice.of_refusal(
        "downloadExport", _exchange(302, location="//b/x"), _target(tmp_path, MINTED, text)
    )
    assert told.lines[:3] == ("[contract.redirects]", 'hosts = ["a", "b"]', "expires_s = 9")


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
