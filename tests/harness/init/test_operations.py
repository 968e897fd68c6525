"""Collections, operations, envelopes and what is absent, from small documents."""

import re
from collections.abc import Mapping
from typing import Any

from harness.init.draft import Draft, Draftsman
from harness.init.fetching import read_file
from harness.init.guess import Certainty
from harness.target.document.api_document import contract_document
from tests.harness.init.documents import (
    ID,
    NUMBER,
    ONE,
    TEXT,
    TIME,
    answers,
    document,
    file_answer,
    many,
    takes,
    thing,
)

CLAIM = thing(id=ID, org_id=ID, reference=TEXT, created_at=TIME)
PHOTO = thing(id=ID, claim_id=ID, org_id=ID, filename=TEXT, bytes=NUMBER, sha256=TEXT)
STATES = {"type": "string", "enum": ["queued", "running", "done", "failed"]}
REPORT = thing(id=ID, claim_id=ID, org_id=ID, status=STATES, progress=NUMBER, created_at=TIME)
FORM = takes(thing(file={"type": "string", "format": "binary"}, label=TEXT), "multipart/form-data")
ENTRY = thing(id=ID, seq=NUMBER, action=TEXT, prev_hash=TEXT, hash=TEXT, at=TIME)

PATHS: Mapping[str, Any] = {
    "/api/v1/claims": {
        "get": answers(thing(claims=many(CLAIM), next=TEXT)),
        "post": answers(thing(claim=CLAIM), 201, **takes(thing(reference=TEXT))),
    },
    "/api/v1/claims/{id}": {"get": {**answers(thing(claim=CLAIM)), "parameters": ONE}},
    "/api/v1/claims/{id}/photos": {
        "get": answers(thing(photos=many(PHOTO), next=TEXT)),
        "post": answers(thing(photo=PHOTO), 201, **FORM),
    },
    "/api/v1/photos/{id}": {"get": answers(thing(photo=PHOTO))},
    "/api/v1/photos/{id}/original": {"get": file_answer()},
    "/api/v1/claims/{id}/reports": {
        "get": answers(thing(reports=many(REPORT), next=TEXT)),
        "post": answers(thing(report=REPORT), 202),
    },
    "/api/v1/reports/{id}": {
        "get": answers(thing(report=REPORT)),
        "delete": answers(thing(report=REPORT)),
    },
    "/api/v1/reports/{id}/rerun": {"post": answers(thing(report=REPORT), 202)},
    "/api/v1/reports/{id}/file": {"get": file_answer()},
    "/api/v1/history": {"get": answers(thing(entries=many(ENTRY), next=TEXT))},
    "/api/v1/history/{id}": {"get": answers(thing(entry=ENTRY))},
    "/api/v1/users": {"get": answers(thing(users=many(thing(id=ID, email=TEXT))))},
    "/healthz": {"get": answers(thing(ok=TEXT))},
}


def drafted(paths: Mapping[str, Any] = PATHS, **more: object) -> Draft:
    contract = contract_document()
    assert contract is not None
    return Draftsman(read_file(contract).document).draft(document(paths, **more), None)


def lines(draft: Draft, *table: str) -> dict[str, Any]:
    return {
        ".".join(one.key): one.value
        for one in draft.guesses
        if one.table == table and one.certainty.is_written
    }


def path_of(draft: Draft, name: str) -> object:
    return lines(draft, "contract", "operations", name).get("path")


def gone(draft: Draft) -> set[object]:
    return {one.value for one in draft.absent if one.certainty.is_written}


def test_operations_are_found_by_noun_shape_and_action() -> None:
    draft = drafted()
    assert path_of(draft, "createJob") == "/api/v1/claims"
    assert path_of(draft, "uploadEvidence") == "/api/v1/claims/{job_id}/photos"
    assert path_of(draft, "getEvidenceContent") == "/api/v1/photos/{evidence_id}/original"
    assert path_of(draft, "requestExport") == "/api/v1/claims/{job_id}/reports"
    assert path_of(draft, "retryExport") == "/api/v1/reports/{export_id}/rerun"
    assert path_of(draft, "downloadExport") == "/api/v1/reports/{export_id}/file"
    assert path_of(draft, "getLedgerEvent") == "/api/v1/history/{event_id}"
    cancel = lines(draft, "contract", "operations", "cancelExport")
    assert cancel == {"method": "DELETE", "path": "/api/v1/reports/{export_id}", "success": (200,)}


def test_a_word_that_is_no_photo_here_is_none() -> None:
    """Reports are documents elsewhere, and here a file below them is their download."""
    draft = drafted()
    assert path_of(draft, "getExport") == "/api/v1/reports/{export_id}"
    assert lines(draft, "contract", "fields", "export")["job_id"] == "/claim_id"


def test_what_no_route_is_is_absent_but_never_what_all_checks_need() -> None:
    assert {"getManifest", "verifyManifest", "verifyLedgerEvent"} <= gone(drafted())
    without_uploads = {**PATHS, "/api/v1/claims/{id}/photos": {"get": answers()}}
    draft = drafted(without_uploads)
    assert "uploadEvidence" not in gone(draft)
    assert "uploadEvidence" in {one.value for one in draft.absent}


def test_the_only_route_of_health_says_that_it_is_ready() -> None:
    assert drafted().ready_path == "/healthz"


def test_each_operation_has_an_envelope_of_its_own_where_they_differ() -> None:
    draft = drafted()
    assert lines(draft, "contract", "operations", "listJobs", "envelope")["items"] == "/claims"
    assert lines(draft, "contract", "operations", "listExports", "envelope")["items"] == "/reports"
    assert lines(draft, "contract", "envelope")["next_cursor"] == "/next"


def test_lists_without_pages_and_parameters_that_are_not_there() -> None:
    without = lines(drafted(), "contract", "without")
    assert without["pages"] is True


def below(place: str) -> Mapping[str, Any]:
    return {path.replace("/api/v1", place): each for path, each in PATHS.items()}


def test_the_organization_above_all_else_is_that_of_whoever_asks() -> None:
    flat = drafted()
    for place in ("/orgs/{org}", "/v2/workspaces/{id}", "/t/{tenant_id}"):
        nested, ours = drafted(below(place)), re.sub(r"\{.*\}", "{organization}", place)
        for name in ("createJob", "uploadEvidence", "getExport", "listLedgerEvents"):
            path = str(path_of(flat, name)).replace("/api/v1", ours)
            assert path_of(nested, name) == path, place


def test_a_parameter_that_the_contract_does_not_have_is_for_a_person() -> None:
    draft = drafted(below("/sites/{site}"))
    assert path_of(draft, "createJob") is None
    (one,) = [
        each
        for each in draft.guesses
        if each.table == ("contract", "operations", "createJob") and each.key == ("path",)
    ]
    assert one.certainty is Certainty.DOUBTFUL
    assert "{site}" in one.why


def test_a_gateway_key_is_a_variable_of_its_own_name() -> None:
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "AWS-SECRET"},
    }
    draft = drafted(components={"securitySchemes": schemes}, security=[{"bearer": [], "key": []}])
    assert lines(draft, "contract", "constants") == {
        "headers.AWS-SECRET": "{env:GATEWAY_AWS_SECRET}"
    }


def test_a_required_member_that_nothing_is_is_a_constant() -> None:
    body = {
        **thing(reference=TEXT, channel={"type": "string", "enum": ["web", "app"]}),
        "required": ["reference", "channel"],
    }
    created = answers(thing(claim=CLAIM), 201, **takes(body))
    draft = drafted({**PATHS, "/api/v1/claims": {**PATHS["/api/v1/claims"], "post": created}})
    constants = lines(draft, "contract", "operations", "createJob", "constants")
    assert constants == {"body.channel": "web"}


def test_a_document_cannot_make_the_file_read_a_variable() -> None:
    evil = {path.replace("history", "history-{env:HOME}"): each for path, each in PATHS.items()}
    draft = drafted(evil)
    written = [one for one in draft.guesses if one.certainty.is_written]
    assert not [one for one in written if "{env:HOME}" in str(one.value)]


def test_swagger_2_is_read_as_well() -> None:
    contract = contract_document()
    assert contract is not None
    root = {
        "swagger": "2.0",
        "basePath": "/v1",
        "paths": {
            "/cases": {
                "get": {"responses": {"200": {"schema": many(CLAIM)}}},
                "post": {
                    "parameters": [{"name": "b", "in": "body", "schema": thing(title=TEXT)}],
                    "responses": {"200": {"schema": CLAIM}},
                },
            },
            "/cases/{id}": {"get": {"responses": {"200": {"schema": CLAIM}}}},
            "/cases/{id}/files": {
                "post": {
                    "parameters": [{"name": "upload", "in": "formData", "type": "file"}],
                    "responses": {"201": {"schema": PHOTO}},
                },
                "get": {"responses": {"200": {"schema": many(PHOTO)}}},
            },
        },
    }
    document_2 = document({})
    draft = Draftsman(read_file(contract).document).draft(type(document_2)(root), None)
    assert path_of(draft, "getJob") == "/v1/cases/{job_id}"
    assert lines(draft, "contract", "operations", "uploadEvidence")["send.file"] == "upload"
    assert lines(draft, "contract", "envelope") == {"data": "", "items": ""}


def refusing(*codes: str) -> dict[str, Any]:
    """The same API, whose refusals have one of these codes."""
    error = thing(error={"type": "string", "enum": list(codes)}, message=TEXT)
    refused = {"description": "", "content": {"application/json": {"schema": error}}}
    paths: dict[str, Any] = {}
    for path, item in PATHS.items():
        paths[path] = {}
        for method, each in item.items():
            answers = {**each["responses"], **dict.fromkeys(("400", "401", "404", "409"), refused)}
            paths[path][method] = {**each, "responses": answers}
    return paths


def test_few_words_stand_for_all_refusals() -> None:
    draft = drafted(refusing("bad_request", "unauthorized", "not_found", "conflict"))
    said = lines(draft, "contract", "refusals")
    assert said["400 file_empty"] == "400 bad_request"
    assert said["401 invalid_token"] == "401 unauthorized"
    assert said["409 export_not_ready"] == "409 conflict"
    assert "415 unsupported_type" not in said  # the upload describes no such status
    assert "503 storage_unavailable" not in said


def test_a_backend_with_a_code_for_each_refusal_is_asked_only_for_those_that_matter() -> None:
    many_codes = [f"E_{name}" for name in "ABCDEFGHIJ"]
    draft = drafted(refusing("NOT_FOUND", "BAD_REQUEST", *many_codes))
    assert lines(draft, "contract", "refusals") == {"404 not_found": "404 NOT_FOUND"}


def test_two_words_for_any_mistake_are_for_a_person() -> None:
    said = lines(drafted(refusing("bad_request", "invalid_request")), "contract", "refusals")
    assert "400 file_empty" not in said
