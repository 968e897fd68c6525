"""Users of a load test use a backend's own dialect where one is given."""

import json

import pytest

from harness.client.samples import Sample
from harness.target.contract.dialect import Contract
from load.users.environment import CONTRACT
from load.users.request_dialect import RequestDialect, UnknownDialect

OWN = {
    "envelope": {"data": "/result"},
    "operations": {
        "createJob": {"path": "/cases", "send": {"title": "/name"}},
        "uploadEvidence": {"path": "/cases/{job_id}/files", "send": {"file": "document"}},
        "requestExport": {"path": "/cases/{job_id}/packages", "success": [201]}
        | {"send": {"export_type": "/kind"}},
    },
    "headers": {"Idempotency-Key": "X-Key", "X-Export-In-Progress": "X-Running: yes"},
    "values": {"export": {"state": {"preparing": ["fetching", "packing"]}}},
}
FILE = Sample(file_name="a.png", mime_type="image/png", content=b"png")


@pytest.fixture
def own() -> RequestDialect:
    openapi = RequestDialect.of({}).document
    contract = Contract.model_validate(OWN | {"openapi": openapi}, strict=False)
    return RequestDialect.of({CONTRACT: contract.model_dump_json()})


def test_the_contracts_own_dialect_by_default() -> None:
    dialect = RequestDialect.of({})
    route = dialect.routes["requestExport"]
    request = dialect.request(
        route, {"job_id": "1", "export_type": "ledger"}, {"A": "b"}, json={"filters": {}}
    )
    assert request.path == "/api/jobs/1/export/ledger"
    assert request.body == b'{"filters": {}}'
    assert request.headers == {"A": "b", "Content-Type": "application/json"}


def test_requests_in_another_dialect(own: RequestDialect) -> None:
    created = own.request(own.routes["createJob"], {}, {}, json={"title": "t"})
    assert (created.path, created.body) == ("/cases", b'{"name":"t"}')
    values = {"job_id": "1", "export_type": "ledger"}
    requested = own.request(own.routes["requestExport"], values, {}, json={"filters": {}})
    assert requested.path == "/cases/1/packages"
    assert isinstance(requested.body, bytes)
    assert json.loads(requested.body) == {"filters": {}, "kind": "ledger"}


def test_a_form_in_another_dialect(own: RequestDialect) -> None:
    key = {"Idempotency-Key": "k"}
    sent = own.request(own.routes["uploadEvidence"], {"job_id": "1"}, key, file=FILE)
    assert sent.path == "/cases/1/files"
    assert sent.headers["X-Key"] == "k"
    assert isinstance(sent.body, bytes)
    assert b'name="document"; filename="a.png"' in sent.body


@pytest.mark.parametrize(("headers", "status"), [({}, 202), ({"X-Running": "yes"}, 200)])
def test_answers_as_the_contract_words_them(
    own: RequestDialect, headers: dict[str, str], status: int
) -> None:
    body = b'{"result": {"id": "1", "state": "packing"}}'
    answer = own.answer(own.routes["requestExport"], "/cases/1/packages", 201, headers, body)
    assert (answer.status, answer.data) == (status, {"id": "1", "state": "preparing"})


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"operations": {"createJob": {"way": "/x"}}}'])
def test_what_is_no_contract_is_refused(text: str) -> None:
    with pytest.raises(UnknownDialect, match=CONTRACT):
        RequestDialect.of({CONTRACT: text})
