"""A document of a backend's own: its operations are found by method and path, its names are not."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.rules.response_rules import ResponseRules
from contracts.conformance.fuzzing.rules.successes import SuccessRules
from contracts.shared.tenants.operations import operations_of
from harness.client.dialect import Dialect
from harness.client.routes import routes_of
from harness.errors import Misconfigured
from harness.target import Target, load_target
from harness.target.document.api_document import contract_document
from harness.target.document.document_files import parse_document
from harness.target.document.openapi_objects import METHODS
from tests.answers import answer

TEXT = """\
name = "mine"
driver = "external"
api = { base_urls = ["http://127.0.0.1:8000"] }
tokens.given = { token = "t" }
[contract]
openapi = "own.yaml"
"""
SHIPPED: Any = parse_document(contract_document() or Path())


def load(directory: Path, document: object, more: str = "") -> Target:
    (directory / "own.yaml").write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    (directory / "shakedown.toml").write_text(TEXT + more, encoding="utf-8")
    return load_target(directory / "shakedown.toml")


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:  # noqa: ANN401 - JSON
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def nameless(*, as_framework: bool = False) -> Any:  # noqa: ANN401 - JSON
    """The contract's document as a generator writes it, under /v1 and with `{id}`s."""
    document = copy.deepcopy(SHIPPED)
    document["servers"] = [{"url": "https://files.example.org/v1"}]
    for path, method, each in operations(document):
        each.pop("operationId")
        if as_framework:
            each["operationId"] = f"{path.strip('/').replace('/', '_')}_{method}"
        each.pop("security", None)
        for response in each["responses"].values():
            response.pop("links", None)
    document.pop("security")
    document["paths"] = {
        path.replace("job_id", "id").replace("export_id", "id"): item
        for path, item in document["paths"].items()
    }
    for name in ("JobId", "ExportId"):
        document["components"]["parameters"][name]["name"] = "id"
    return document


MAPPED = "[contract.operations]\n" + "".join(
    f'{each["operationId"]} = {{ method = "{method.upper()}", path = "/v1{path}" }}\n'
    for path, method, each in operations(SHIPPED)
)


@pytest.mark.parametrize("as_framework", [False, True])
@pytest.mark.parametrize("more", ["", MAPPED], ids=["at the contract's paths", "mapped"])
def test_operations_are_found_by_method_and_path(
    tmp_path: Path, as_framework: bool, more: str
) -> None:
    target = load(tmp_path, nameless(as_framework=as_framework), more)
    shipped = routes_of(load_target())
    routes, prefix = routes_of(target), "/v1" if more else ""
    assert set(routes) == set(shipped)
    for name, route in routes.items():
        assert route.template == prefix + shipped[name].template
        # A generator leaves tokens out; the contract does not.
        assert (route.secured, route.success) == (shipped[name].secured, shipped[name].success)
    described = Document.of(target)
    assert set(described.operations) == set(shipped)
    assert described.operations["getExport"].path_ids == ("export_id",)
    assert {link.target for link in described.links_of(described.operations["createJob"])}
    assert not [one.unbuildable for one in operations_of(target) if one.unbuildable]
    assert {one.id for one in operations_of(target)} == set(shipped)


def test_links_lead_to_the_new_names(tmp_path: Path) -> None:
    document = nameless(as_framework=True)
    item = document["paths"]["/api/jobs"]["post"]
    item["responses"]["201"]["links"] = {
        "byRef": {
            "operationRef": "#/paths/~1api~1jobs~1{id}/get",
            "parameters": {"id": "$response.body#/data/id"},
        },
        "byId": {
            "operationId": "api_jobs_{job_id}_exports_get",
            "parameters": {"path.id": "$response.body#/data/id"},
        },
    }
    described = Document.of(load(tmp_path, document))
    links = {one.name: one for one in described.links_of(described.operations["createJob"])}
    assert links["byRef"].target == "getJob"
    assert set(links["byRef"].parameters) == {"job_id"}
    assert links["byId"].target == "listExports"
    assert set(links["byId"].parameters) == {"path.job_id"}


def test_what_the_target_file_places_wins_over_a_name(tmp_path: Path) -> None:
    document = copy.deepcopy(SHIPPED)
    document["paths"]["/cases/{case}"] = {
        "get": {
            "operationId": "readCase",
            "parameters": [{"name": "case", "in": "path", "required": True, "schema": {}}],
            "responses": {"200": {"description": "x"}},
        }
    }
    target = load(tmp_path, document, '[contract.operations]\ngetJob.path = "/cases/{job_id}"\n')
    described = Document.of(target)
    assert described.operations["getJob"].template == "/cases/{job_id}"
    assert described.operations["getJob"].successes == (200,)
    assert "readCase" not in described.operations


def test_the_organization_in_a_path_is_an_id_whatever_the_document_calls_it(tmp_path: Path) -> None:
    document = copy.deepcopy(SHIPPED)
    item = document["paths"].pop("/api/jobs/{job_id}")
    its = {"name": "orgId", "in": "path", "required": True, "schema": {"type": "string"}}
    job = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    document["paths"]["/orgs/{orgId}/jobs/{id}"] = {**item, "parameters": [its, job]}
    more = '[contract.operations]\ngetJob.path = "/orgs/{organization}/jobs/{job_id}"\n'
    target = load(tmp_path, document, more)
    (operation,) = [one for one in operations_of(target) if one.id == "getJob"]
    assert [(slot.name, slot.kind) for slot in operation.slots] == [
        ("organization", "organization"),
        ("job_id", "job"),
    ]
    assert not operation.unbuildable


def test_what_is_sent_by_other_names_is_known_by_the_contracts(tmp_path: Path) -> None:
    document = nameless()
    body = document["components"]["schemas"]["NewJob"]
    body["properties"]["name"] = body["properties"].pop("title")
    body["required"] = ["name"]
    ledger = document["paths"]["/api/ledger/events"]["get"]
    ledger["parameters"] = [{"name": "subject", "in": "query", "schema": {"format": "uuid"}}]
    more = (
        '[contract.operations]\ncreateJob.send = { title = "/name" }\n'
        'listLedgerEvents.send = { target_id = "?subject" }\n'
    )
    described = Document.of(load(tmp_path, document, more))
    assert "target_id" in described.operations["listLedgerEvents"].parameters_in("query")
    job = described.operations["createJob"].body
    assert job is not None
    schema = job["content"]["application/json"]["schema"]
    assert (set(schema["properties"]), schema["required"]) == ({"title"}, ["title"])


def test_what_the_contract_has_not_is_known_by_what_it_is_about(tmp_path: Path) -> None:
    document = nameless()
    id_parameter = {"name": "id", "in": "path", "required": True, "schema": {"format": "uuid"}}
    key = {"name": "x-once", "in": "header", "required": True, "schema": {"type": "string"}}
    document["paths"]["/api/exports/{id}/proof"] = {
        "get": {
            "operationId": "prove",
            "parameters": [id_parameter, key],
            "responses": {"200": {"description": "x"}},
        }
    }
    target = load(tmp_path, document, '[contract.headers]\nIdempotency-Key = "X-Once"\n')
    (one,) = [each for each in operations_of(target) if each.id == "prove"]
    assert [(slot.name, slot.kind) for slot in one.slots] == [("export_id", "export")]
    # The document says of nothing that it needs a token: no promise that this needs none.
    assert one.route.secured
    assert "Idempotency-Key" in Document.of(target).operations["prove"].parameters_in("header")


def test_an_answer_is_held_against_the_document_as_it_was_sent(tmp_path: Path) -> None:
    document = nameless()
    answers = document["paths"]["/api/jobs/{id}"]["get"]["responses"]
    schema = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    answers["2XX"] = {"description": "x", "content": {"application/json": {"schema": schema}}}
    del answers["200"]
    more = '[contract.fields.job]\ntitle = "/name"\n[contract.envelope]\ndata = ""\n'
    target = load(tmp_path, document, more)
    routes = routes_of(target)
    dialect = Dialect.of(target.contract, routes)
    assert dialect is not None
    rules = ResponseRules(document=Document.of(target))
    shapes = SuccessRules(document=rules.document)
    operation = rules.document.operations["getJob"]
    kind = {"content_type": "application/json"}
    for body, is_right in ((b'{"name": "x"}', True), (b'{"name": 5}', False), (b"{}", False)):
        sent = dialect.answer(routes["getJob"], answer(200, body, **kind))
        assert (shapes.violations(operation, sent) == []) is is_right
    case = Case(
        number=1,
        operation_id="getJob",
        phase="fuzzing",
        positive=True,
        about="",
        method="GET",
        target="/api/jobs/SLOT-own-job_id-1-END",
        headers=(),
        body=None,
        token=False,
    )
    found = rules.violations(case, dialect.answer(routes["getJob"], answer(200, b'{"name": "x"}')))
    assert "token.required" in {one.rule for one in found}


def test_a_document_that_is_not_of_this_api_is_refused_before_anything_starts(
    tmp_path: Path,
) -> None:
    other = {"openapi": "3.1.0", "paths": {"/pets": {"get": {"operationId": "listPets"}}}}
    with pytest.raises(Misconfigured, match=r"toml:6: contract.openapi: own.yaml has no operation"):
        load(tmp_path, other)
    document = nameless()
    del document["paths"]["/health"]
    (tmp_path / "b").mkdir()
    with pytest.raises(Misconfigured, match=r"own\.yaml describes no health; say where each is"):
        load(tmp_path / "b", document)
    (tmp_path / "c").mkdir()
    document["paths"]["/livez"] = {"$ref": "paths.yaml#/live"}
    with pytest.raises(Misconfigured, match=r"toml:6: contract.openapi: cannot read .*paths\.yaml"):
        load(tmp_path / "c", document, 'absent = ["health"]\n')


@pytest.mark.parametrize("described", [None, False], ids=["not at all", "as optional"])
def test_an_upload_has_a_key_however_the_document_describes_it(
    tmp_path: Path, described: bool | None
) -> None:
    document = nameless(as_framework=True)
    for _, _, each in operations(document):
        given = each.get("parameters", [])
        for one in [one for one in given if one.get("name") == "Idempotency-Key"]:
            given.remove(one)
            if described is not None:
                given.append({**one, "name": "idempotency-key", "required": described})
    target = load(tmp_path, document)
    keys = {
        one.id: [
            each.get("required")
            for each in one.parameters
            if each["name"].lower() == "idempotency-key"
        ]
        for one in operations_of(target)
    }
    assert keys["uploadEvidence"] == [True]
    assert keys["requestExport"] == ([] if described is None else [False])
    without = load(tmp_path, document, 'without.headers = ["Idempotency-Key"]\n')
    assert not [
        each["name"]
        for one in operations_of(without)
        for each in one.parameters
        if each["name"].lower() == "idempotency-key"
    ]


def test_a_list_is_one_whatever_the_document_calls_its_array(tmp_path: Path) -> None:
    document = nameless()
    for _, _, each in operations(document):
        each["responses"] = {"200": {"description": "ok"}}
    lists = {one.id for one in operations_of(load(tmp_path, document)) if one.lists}
    assert lists == {"listJobs", "listEvidence", "listExports", "listLedgerEvents"}
