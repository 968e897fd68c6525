"""What is left of a document where a target declares fields, members and pages absent."""

from typing import Any

from contracts.shared.tenants.present_document import present_document
from harness.target.contract.dialect import Contract
from harness.target.contract.without import Without

PAGE = {
    "type": "object",
    "required": ["data", "next_cursor"],
    "properties": {"data": {"type": "array"}, "next_cursor": {"type": "string"}},
}


def operation(operation_id: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    content = {"application/json": {"schema": schema}}
    return {
        "operationId": operation_id,
        "responses": {"200": {"description": "", "content": content, **more}},
    }


def answer_of(document: dict[str, Any], path: str) -> dict[str, Any]:
    (node,) = document["paths"][path].values()
    found: dict[str, Any] = node["responses"]["200"]
    return found


def test_a_list_without_pages_has_no_cursor_and_other_answers_stay() -> None:
    document = {
        "paths": {
            "/jobs": {"get": operation("listJobs", {"$ref": "#/components/schemas/JobPage"})},
            "/jobs/1": {"get": operation("getJob", {"$ref": "#/components/schemas/Job"})},
        },
        "components": {"schemas": {"JobPage": PAGE, "Job": {"type": "object"}}},
    }
    left = present_document(document, Contract(without=Without(pages=True)))
    media = answer_of(left, "/jobs")["content"]["application/json"]
    assert media["schema"]["required"] == ["data"]
    media = answer_of(left, "/jobs/1")["content"]["application/json"]
    assert media["schema"] == {"$ref": "#/components/schemas/Job"}
    assert PAGE["required"] == ["data", "next_cursor"]


def test_links_from_absent_fields_and_to_absent_members_are_left_out() -> None:
    links = {
        "event": {
            "operationId": "getLedgerEvent",
            "parameters": {"event_id": "$response.body#/data/ledger_event_id"},
        },
        "verify": {"operationId": "verifyManifest", "requestBody": {"manifest": "$response.body"}},
        "self": {"operationId": "getEvidence", "parameters": {"id": "$response.body#/data/id"}},
    }
    document = {"paths": {"/e": {"get": operation("getEvidence", {}, links=links)}}}
    contract = Contract(
        absent=("evidence.ledger_event_id",),
        without=Without(parameters=("verifyManifest.manifest",)),
    )
    assert list(answer_of(present_document(document, contract), "/e")["links"]) == ["self"]
    everything = present_document(document, Contract())
    assert list(answer_of(everything, "/e")["links"]) == ["event", "verify", "self"]


def test_the_one_way_that_is_left_to_ask_is_required() -> None:
    schema = {
        "type": "object",
        "properties": {"export_id": {}, "manifest": {}},
        "anyOf": [{"required": ["export_id"]}, {"required": ["manifest"]}],
    }
    node = operation("verifyManifest", {})
    node["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    contract = Contract(without=Without(parameters=("verifyManifest.manifest",)))
    left = present_document({"paths": {"/v": {"post": node}}}, contract)
    body = left["paths"]["/v"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {
        "type": "object",
        "properties": {"export_id": {}},
        "required": ["export_id"],
    }
