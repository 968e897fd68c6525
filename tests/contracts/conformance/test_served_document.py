"""The served document may be written differently and say more, never otherwise."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.conformance.served_document import (
    accepted_documents,
    document_differences,
    document_errors,
)
from contracts.shared.tenants.operations import load_document
from harness.target import load_target

WANTED = dict(load_document(Path("contracts/openapi.yaml")))
ANSWER = {"description": "x"}
Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> dict[str, Any]:
    served = copy.deepcopy(WANTED)
    change(served)
    return served


def operation(document: dict[str, Any], path: str = "/api/jobs", method: str = "get") -> Any:  # noqa: ANN401
    return document["paths"][path][method]


def schema(document: dict[str, Any], name: str) -> Any:  # noqa: ANN401
    return document["components"]["schemas"][name]


def inline_job(document: dict[str, Any]) -> None:
    schema(document, "JobAnswer")["properties"]["data"] = copy.deepcopy(schema(document, "Job"))


SAME: dict[str, Change] = {
    "itself": lambda document: None,
    "other prose": lambda document: operation(document).update(summary="else", tags=["x"]),
    "a schema inlined": inline_job,
    "another order": lambda document: schema(document, "Job")["required"].reverse(),
    "another operation": lambda document: document["paths"].update(
        {"/docs": {"get": {"operationId": "docs", "responses": {"200": {"description": "x"}}}}}
    ),
    "another error": lambda document: operation(document)["responses"].update(
        {"429": {"description": "x"}}
    ),
    "another field": lambda document: schema(document, "Job")["properties"].update(
        {"more": {"type": "string"}}
    ),
    "servers and info": lambda document: document.update(servers=[{"url": "https://x"}]),
}

OTHERWISE: dict[str, tuple[Change, str]] = {
    "no operation": (lambda document: document["paths"].pop("/livez"), "live"),
    "a method": (
        lambda document: document["paths"]["/livez"].update(
            post=document["paths"]["/livez"].pop("get")
        ),
        "/paths/~1livez/post",
    ),
    "a field is gone": (
        lambda document: schema(document, "Job")["properties"].pop("title"),
        "/schema/properties/data/properties/title",
    ),
    "a field is optional": (
        lambda document: schema(document, "Job")["required"].remove("title"),
        "/properties/data/required",
    ),
    "a limit": (
        lambda document: document["components"]["parameters"]["Limit"]["schema"].update(
            maximum=500
        ),
        "/schema/maximum",
    ),
    "an answer": (
        lambda document: operation(document, method="post")["responses"].pop("201"),
        "/paths/~1api~1jobs/post/responses/201",
    ),
    "a status of success": (
        lambda document: operation(document)["responses"].update({"204": {"description": "x"}}),
        "/responses/204",
    ),
    "no token": (
        lambda document: operation(document).update(security=[]),
        "/paths/~1api~1jobs/get/security",
    ),
    "a parameter": (
        lambda document: operation(document)["parameters"].append(
            {"name": "org", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "/paths/~1api~1jobs/get/parameters",
    ),
    "an enum": (
        lambda document: schema(document, "ExportState")["enum"].append("paused"),
        "/enum",
    ),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_may_differ(change: Change) -> None:
    served = changed(change)
    assert document_differences(WANTED, served) == []
    assert document_errors(served) == []


@pytest.mark.parametrize(("change", "named"), OTHERWISE.values(), ids=OTHERWISE)
def test_what_may_not(change: Change, named: str) -> None:
    assert named in "; ".join(document_differences(WANTED, changed(change)))


BROKEN: dict[str, tuple[Change, str]] = {
    "version": (lambda document: document.update(openapi="3.0.3"), "/openapi"),
    "no info": (lambda document: document.pop("info"), "info"),
    "reference": (
        lambda document: document["components"]["schemas"].pop("Job"),
        "#/components/schemas/Job",
    ),
    "link": (lambda document: document["paths"].pop("/api/jobs/{job_id}"), "getJob"),
    "name given twice": (
        lambda document: operation(document).update(operationId="createJob"),
        "createJob",
    ),
    "path parameter": (
        lambda document: document["paths"].update(
            {"/api/x/{y}": {"get": {"operationId": "x", "responses": {"200": ANSWER}}}}
        ),
        "/paths/~1api~1x~1{y}/get",
    ),
}


@pytest.mark.parametrize(("change", "named"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_valid_document(change: Change, named: str) -> None:
    assert named in "; ".join(document_errors(changed(change)))


def test_what_is_declared_absent_may_still_be_spoken_of() -> None:
    target = load_target(None)
    absent = {"absent": ("export.heartbeat_at",)}
    target = target.model_copy(update={"contract": target.contract.model_copy(update=absent)})
    without, fuller = accepted_documents(target)
    assert document_differences(without, WANTED)
    assert document_differences(fuller, WANTED) == document_differences(without, without) == []
