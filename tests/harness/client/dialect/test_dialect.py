"""What is sent and what checks see where a backend has names of its own."""

import json
from pathlib import Path

import pytest
from multidict import CIMultiDict

import contracts
from harness.client.answers.answer import Answer
from harness.client.dialect import Dialect
from harness.client.dialect.requests import Request
from harness.client.multipart import encode_form
from harness.client.routes import Routes, load_routes
from harness.client.samples import Sample
from harness.errors import CheckFailed, Inconclusive
from harness.target.contract.dialect import Contract

CONTRACT = Contract.model_validate(
    {
        "absent": ("metrics", "export.heartbeat_at"),
        "envelope": {
            "data": "/result",
            "items": "/results",
            "next_cursor": "/next",
            "cursor": "after",
        },
        "headers": {
            "Idempotency-Key": "X-Key",
            "X-Evidence-Deduplicated": "X-Known: yes",
            "X-Request-ID": "X-Trace",
        },
        "problem": {"code": "/error/code", "title": "/error/text"},
        "refusals": {"422 idempotency_key_reused": "409 KEY_REUSED"},
        "fields": {
            "export": {"attempt": "/run/tries", "job_id": "/case"},
            "ledger_event": {"metadata": "/details", "metadata.manifest_hash": "/details/digest"},
        },
        "values": {
            "export": {
                "state": {"preparing": ("collecting", "packing"), "ready": "done"},
                "export_type": {"proof-pack": "bundle"},
            }
        },
        "operations": {
            "requestExport": {
                "path": "/cases/{job_id}/packages",
                "success": (200,),
                "send": {"export_type": "/kind", "filters": "/only/filter"},
            },
            "uploadEvidence": {"success": (200, 201), "send": {"file": "document"}},
            "createJob": {"send": {"title": "/name"}, "refusals": {"400": "422"}},
            "getExport": {"path": "/packages/{export_id}"},
        },
    }
)


@pytest.fixture(scope="module")
def routes() -> Routes:
    spelled = {name: (one.method, one.path) for name, one in CONTRACT.operations.items()}
    document = load_routes(Path(contracts.__path__[0]) / "openapi.yaml")
    return document.overridden(spelled, CONTRACT.absent_operations)


@pytest.fixture(scope="module")
def dialect(routes: Routes) -> Dialect:
    found = Dialect.of(CONTRACT, routes)
    assert found is not None
    return found


def sent(dialect: Dialect, name: str, path: str, body: object = None, **headers: str) -> Request:
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    return dialect.request(dialect.routes[name], path, None, headers, content)


def seen(
    dialect: Dialect, name: str, status: int, body: object, headers: dict[str, str] | None = None
) -> Answer:
    route = dialect.routes[name]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(
        operation_id=name,
        method=route.method,
        path=route.template,
        instance=0,
        status=status,
        headers=CIMultiDict({"content-type": "application/json", **(headers or {})}),
        body=content,
        elapsed_s=0,
    )
    return dialect.answer(route, answer)


def test_a_parameter_that_the_path_has_not_goes_into_the_body(dialect: Dialect) -> None:
    path = dialect.routes["requestExport"].path({"job_id": "1", "export_type": "proof-pack"})
    body = {"filters": {"a": 1}}
    request = sent(dialect, "requestExport", path, body, **{"content-type": "application/json"})
    assert request.path == "/cases/1/packages"
    assert isinstance(request.body, bytes)
    assert json.loads(request.body) == {"kind": "bundle", "only": {"filter": {"a": 1}}}


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b"null", b""])
def test_what_is_broken_on_purpose_stays_broken(dialect: Dialect, body: bytes) -> None:
    kind = {"content-type": "application/json"}
    request = sent(dialect, "createJob", "/api/jobs", body, **kind)
    assert request.body in (body, body or b"{}")


def test_headers_and_parts_of_forms_are_renamed(dialect: Dialect) -> None:
    sample = Sample("a.png", "image/png", b'form-data; name="tag" is only text here')
    form, kind = encode_form({"tag": "x"}, {"file": sample})
    headers = {"content-type": kind, "idempotency-key": "k"}
    request = sent(dialect, "uploadEvidence", "/api/jobs/1/evidence/upload", form, **headers)
    assert request.headers["X-Key"] == "k"
    assert isinstance(request.body, bytes)
    assert b'name="document"; filename="a.png"' in request.body
    assert b'name="file"' not in request.body
    assert sample.content in request.body


def test_the_query_has_the_names_of_the_envelope(dialect: Dialect) -> None:
    request = dialect.request(
        dialect.routes["listJobs"], "/api/jobs", {"cursor": "c", "limit": 5}, {}, None
    )
    assert request.path == "/api/jobs?after=c&limit=5"


def test_fields_and_words_of_a_thing(dialect: Dialect) -> None:
    thing = {"id": "e", "case": "j", "run": {"tries": 2}, "state": "packing", "extra": "leak"}
    answer = seen(dialect, "getExport", 200, {"result": thing})
    assert answer.data == {
        "id": "e",
        "job_id": "j",
        "attempt": 2,
        "state": "preparing",
        "extra": "leak",
    }
    assert "packing" in answer.describe(), "messages show what really came"


def test_an_absent_field_is_inconclusive_and_a_missing_one_fails(dialect: Dialect) -> None:
    data = seen(dialect, "getExport", 200, {"result": {"id": "e"}}).data
    with pytest.raises(Inconclusive, match=r"heartbeat_at.*absent"):
        _ = data["heartbeat_at"]
    with pytest.raises(CheckFailed, match="progress"):
        _ = data["progress"]


def test_an_absent_operation_is_inconclusive(dialect: Dialect) -> None:
    with pytest.raises(Inconclusive, match="metrics absent"):
        _ = dialect.routes["metrics"]


@pytest.mark.parametrize(
    ("name", "headers", "meant"),
    [
        ("uploadEvidence", {}, 201),
        ("uploadEvidence", {"X-Known": "yes"}, 200),
        ("uploadEvidence", {"X-Known": "no"}, 201),
        ("requestExport", {}, 202),
    ],
)
def test_successes_are_those_of_the_contract(
    dialect: Dialect, name: str, headers: dict[str, str], meant: int
) -> None:
    assert seen(dialect, name, 200, {"result": {}}, headers).status == meant


def test_a_success_that_is_not_declared_stays_what_it_is(dialect: Dialect) -> None:
    assert seen(dialect, "requestExport", 204, b"").status == 204


def test_errors_become_problems_with_the_contract_s_status(dialect: Dialect) -> None:
    error = {"error": {"code": "KEY_REUSED", "text": "used"}}
    answer = seen(dialect, "uploadEvidence", 409, error, {"X-Trace": "t"})
    assert (answer.status, answer.code, answer.request_id) == (422, "idempotency_key_reused", "t")
    assert answer.headers["content-type"] == "application/problem+json"
    assert seen(dialect, "uploadEvidence", 409, {"error": {"code": "X"}}).status == 409
    assert seen(dialect, "createJob", 422, {"error": {"code": "X"}}).status == 400


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]", b'{"result": 1}', b'{"results": [1]}'])
def test_what_is_not_where_the_dialect_has_it_is_left_for_the_check(
    dialect: Dialect, body: bytes
) -> None:
    for name in ("getExport", "listExports"):
        assert seen(dialect, name, 200, body).body == body


def test_lists_have_the_contract_s_envelope(dialect: Dialect) -> None:
    page = {"results": [{"id": "1", "state": "done"}], "next": None}
    answer = seen(dialect, "listExports", 200, page)
    assert json.loads(answer.body) == {
        "data": [{"id": "1", "state": "ready"}],
        "next_cursor": None,
    }


def test_a_member_that_is_added_can_be_told_from_what_came(dialect: Dialect) -> None:
    event = {"result": {"details": {"digest": "d"}}}
    data = seen(dialect, "getLedgerEvent", 200, event).data
    assert data["metadata"] == {"digest": "d", "manifest_hash": "d"}
    assert data.received("metadata") == {"digest": "d"}


def test_a_plain_contract_has_no_dialect(routes: Routes) -> None:
    assert Dialect.of(Contract(), routes) is None


def test_a_list_may_have_an_envelope_of_its_own(routes: Routes) -> None:
    own = {
        "envelope": {"data": "/result", "items": "/results", "limit": "size"},
        "operations": {
            "listEvidence": {"envelope": {"items": "/files", "next_cursor": "/page/after"}},
            "listJobs": {"envelope": {"items": "", "cursor": "page"}},
            "getJob": {"envelope": {"data": ""}},
        },
    }
    # As users under load get it.
    contract = Contract.model_validate_json(
        Contract.model_validate(own, strict=False).model_dump_json(), strict=False
    )
    found = Dialect.of(contract, routes)
    assert found is not None
    evidence = seen(found, "listEvidence", 200, {"files": [{"id": "1"}], "page": {"after": "x"}})
    assert evidence.page == ([{"id": "1"}], "x")
    assert seen(found, "listJobs", 200, [{"id": "2"}]).page[0] == [{"id": "2"}]
    assert seen(found, "listExports", 200, {"results": [{"id": "3"}]}).page[0] == [{"id": "3"}]
    assert seen(found, "getJob", 200, {"id": "4"}).data == {"id": "4"}
    assert seen(found, "getExport", 200, {"result": {"id": "5"}}).data == {"id": "5"}
    for name, path, sent_as in (
        ("listJobs", "/jobs?cursor=a&limit=3", "/jobs?page=a&size=3"),
        ("listExports", "/jobs/1/exports?cursor=a", "/jobs/1/exports?cursor=a"),
    ):
        assert sent(found, name, path).path == sent_as
