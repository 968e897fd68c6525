"""Requests are made from the document: every id is found, and what cannot be made up is named."""

import json
from typing import Any
from uuid import UUID

import pytest

from contracts.shared.tenants.operations import Operation, is_id, kind_of, operations_of
from contracts.shared.tenants.schemas import Unbuildable, smallest
from contracts.tenancy.requests.request_shapes import (
    shapes_by_protection,
    shapes_of,
    shapes_with_ids,
)
from harness.client import Route, Sample
from harness.target.load import load_target

SAMPLE = Sample("a.png", "image/png", b"shakedown")
WITH_IDS = {
    "getJob", "uploadEvidence", "listEvidence", "getEvidence", "getEvidenceContent",
    "requestExport", "listExports", "getExport", "cancelExport", "retryExport", "downloadExport",
    "getManifest", "verifyManifest", "listLedgerEvents", "getLedgerEvent", "verifyLedgerEvent",
}  # fmt: skip


def operation(template: str, method: str = "GET", **described: object) -> Operation:
    route = Route(operation_id="asked", method=method, template=template)
    return Operation(route=route, document={}, described={"parameters": [], **described})


def path_id(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def test_every_operation_of_the_contract_that_takes_an_id_is_found() -> None:
    shapes, unbuildable = shapes_with_ids(operations_of(load_target(None)))
    assert unbuildable == []
    assert {shape.operation.id for shape in shapes} == WITH_IDS


def test_operations_are_told_by_whether_they_want_a_token() -> None:
    protected, public, unbuildable = shapes_by_protection(operations_of(load_target(None)))
    assert unbuildable == []
    assert {shape.operation.id for shape in protected} == WITH_IDS | {"listJobs", "createJob"}
    assert {shape.operation.id for shape in public} == {
        "live",
        "ready",
        "health",
        "metrics",
        "openapi",
    }


def test_each_choice_and_each_way_to_fill_a_body_is_a_form() -> None:
    by_id = {one.id: one for one in operations_of(load_target(None))}
    exports = [shape.choices["export_type"] for shape in shapes_of(by_id["requestExport"])]
    assert exports == ["proof-pack", "ledger"]
    bodies = [tuple(shape.body or ()) for shape in shapes_of(by_id["verifyManifest"])]
    assert bodies == [("export_id",), ("manifest",), ("export_id", "manifest")]


def test_an_id_of_something_unknown_is_named_and_not_left_out() -> None:
    unknown = operation("/webhooks/{webhook_id}", parameters=[path_id("webhook_id")])
    shapes, unbuildable = shapes_with_ids([unknown])
    assert shapes == []
    (reason,) = unbuildable
    assert "webhook_id" in reason


def test_a_path_parameter_that_the_document_does_not_describe_is_named() -> None:
    shapes, unbuildable = shapes_with_ids([operation("/jobs/{job_id}")])
    assert shapes == []
    assert unbuildable == ["asked (the document does not describe job_id)"]


def test_a_body_that_cannot_be_made_up_is_named() -> None:
    body = {"content": {"application/xml": {"schema": {"type": "object"}}}}
    strange = operation("/jobs/{job_id}", "POST", parameters=[path_id("job_id")], requestBody=body)
    with pytest.raises(Unbuildable, match="application/xml"):
        shapes_of(strange)


def test_ids_are_found_at_any_depth_of_a_body_and_put_back_there() -> None:
    schema = {
        "type": "object",
        "required": ["about"],
        "properties": {
            "about": {
                "type": "object",
                "properties": {
                    "export_ids": {"type": "array", "items": {"type": "string", "format": "uuid"}}
                },
            }
        },
    }
    asked = operation(
        "/compare", "POST", requestBody={"content": {"application/json": {"schema": schema}}}
    )
    (shape,) = shapes_of(asked)
    (slot,) = shape.slots
    assert (slot.kind, slot.at) == ("export", ("about", "export_ids", 0))
    request = shape.request({slot.name: "an-id"}, SAMPLE)
    assert json.loads(request.content or b"") == {"about": {"export_ids": ["an-id"]}}


def test_ids_in_paths_are_quoted_and_keys_are_fresh() -> None:
    by_id = {one.id: one for one in operations_of(load_target(None))}
    (shape,) = shapes_of(by_id["uploadEvidence"])
    first = shape.request({"job_id": "a/../b"}, SAMPLE)
    assert first.path == "/api/jobs/a%2F..%2Fb/evidence/upload"
    second = shape.request({"job_id": "a/../b"}, SAMPLE)
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]
    assert b"shakedown" in (first.content or b"")


@pytest.mark.parametrize(
    ("name", "template", "kind"),
    [
        ("job_id", "/jobs/{job_id}", "job"),
        ("jobId", "/jobs/{jobId}", "job"),
        ("id", "/v1/exports/{id}/download", "export"),
        ("ledger_event_id", "", "event"),
        ("target_id", "", "target"),
        ("user_id", "/users/{user_id}", ""),
    ],
)
def test_what_an_id_is_of(name: str, template: str, kind: str) -> None:
    assert kind_of(name, template) == kind


def test_what_is_an_id() -> None:
    assert is_id("target", {"format": "uuid"})
    assert is_id("jobId", {})
    assert not is_id("paid", {})
    assert not is_id("limit", {"type": "integer"})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "minLength": 3}, "xxx"),
        ({"type": ["null", "integer"], "minimum": 5}, 5),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "string", "example": "told"}, "told"),
        ({"type": "array", "minItems": 1, "items": {"type": "boolean"}}, [False]),
        ({"properties": {"a": {"const": 1}, "b": {}}, "required": ["a"]}, {"a": 1}),
        ({"properties": {"a": {"const": 1}}, "anyOf": [{"required": ["a"]}]}, {"a": 1}),
    ],
)
def test_the_smallest_value_of_a_schema(schema: dict[str, Any], value: object) -> None:
    assert smallest({}, schema) == value


def test_ids_are_made_up_and_patterns_are_not() -> None:
    made_up = smallest({}, {"type": "string", "format": "uuid"})
    assert str(UUID(made_up)) == made_up
    with pytest.raises(Unbuildable, match="pattern"):
        smallest({}, {"type": "string", "pattern": "^[0-9]{4}$"})
    endless = {"a": {"$ref": "#/a"}}
    with pytest.raises(Unbuildable, match=r"\$ref"):
        smallest(endless, {"$ref": "#/a"})
