"""The served document may be written differently and say more, never otherwise."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from contracts.conformance.served_document import (
    document_differences,
    document_errors,
    wanted_document,
)
from contracts.shared.tenants.document import load_document
from harness.target import load_target
from harness.target.contract.dialect import Contract

WANTED = dict(load_document(Contract(openapi="contracts/openapi.yaml")))
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
    "the form of a cursor": lambda document: document["components"]["parameters"]["Cursor"].update(
        schema={"type": "string", "pattern": "^[A-Za-z0-9_=-]+$", "maxLength": 512}
    ),
    "no patterns": lambda document: schema(document, "Sha256").pop("pattern"),
    "bounds": lambda document: schema(document, "Export")["properties"]["attempt"].pop("minimum"),
    "no links": lambda document: operation(document, method="post")["responses"]["201"].pop(
        "links"
    ),
    "no errors": lambda document: [
        operation(document)["responses"].pop(status) for status in ("400", "401", "403", "503")
    ],
    "any name of an operation": lambda document: operation(document).update(operationId="jobs"),
    "anyOf": lambda document: schema(document, "Evidence")["properties"].update(
        tag={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "allOf": lambda document: schema(document, "JobAnswer")["properties"].update(
        data={"allOf": [{"$ref": "#/components/schemas/Job"}, {"description": "it"}]}
    ),
    "always there": lambda document: schema(document, "Job")["properties"].update(
        id={"type": "string", "format": "uuid", "minLength": 36}
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
    "nothing may be null": (
        lambda document: schema(document, "Evidence")["properties"].update(tag={"type": "string"}),
        "/properties/tag: does not allow null",
    ),
    "another type": (
        lambda document: schema(document, "Evidence")["properties"].update(
            file_size={"type": "string"}
        ),
        "/properties/file_size: does not allow integer",
    ),
    "another format": (
        lambda document: schema(document, "Time").update(format="date"),
        "has the format date, not date-time",
    ),
    "nothing of its members": (
        lambda document: schema(document, "JobAnswer")["properties"].update(data={}),
        "/data: says nothing of the members",
    ),
    "a member more is asked for": (
        lambda document: schema(document, "NewJob")["required"].append("color"),
        "has color, which the contract does not ask for",
    ),
    "no key": (
        lambda document: operation(document, "/api/jobs/{job_id}/evidence/upload", "post")[
            "parameters"
        ].pop(1),
        "no header parameter Idempotency-Key",
    ),
    "JSON for a file": (
        lambda document: operation(document, "/api/exports/{export_id}/download")["responses"][
            "200"
        ].update(content={"application/json": {"schema": {}}}),
        "is JSON, not the file itself",
    ),
    "an enum": (
        lambda document: schema(document, "ExportState")["enum"].append("paused"),
        "/state: has the word paused in addition",
    ),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_may_differ(change: Change) -> None:
    served = changed(change)
    assert document_differences(WANTED, served) == []
    assert document_errors(served) == []


@pytest.mark.parametrize(("change", "named"), OTHERWISE.values(), ids=OTHERWISE)
def test_what_may_not(change: Change, named: str) -> None:
    assert named in "; ".join(map(str, document_differences(WANTED, changed(change))))


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


def test_what_is_declared_absent_may_be_spoken_of_or_not() -> None:
    target = load_target(None)
    absent = {"absent": ("export.heartbeat_at", "metrics")}
    target = target.model_copy(update={"contract": target.contract.model_copy(update=absent)})
    wanted = wanted_document(target)
    assert document_differences(wanted, WANTED) == []
    assert document_differences(wanted, wanted) == []
    assert document_differences(WANTED, wanted)


def test_a_backend_with_words_of_its_own_is_asked_for_its_routes_only() -> None:
    def in_own_words(document: dict[str, Any]) -> None:
        schema(document, "Job").update(properties={"name": {"type": "string"}}, required=["name"])

    assert document_differences(WANTED, changed(in_own_words), is_translated=True) == []
    without = changed(lambda document: document["paths"].pop("/livez"))
    assert document_differences(WANTED, without, is_translated=True)


def written_by_a_framework() -> dict[str, Any]:
    """The contract's document as FastAPI, springdoc and their like write one.

    No patterns, lengths or bounds, names of its own, `anyOf` for what may be null, `*/*`, no
    headers, no links, and no errors but its own.
    """
    served = json.loads(json.dumps(WANTED))
    private = {
        "pattern",
        "minLength",
        "maxLength",
        "const",
        "propertyNames",
        "additionalProperties",
    }

    def plain(node: Any, *, is_names: bool = False) -> Any:  # noqa: ANN401 - JSON
        if isinstance(node, list):
            return [plain(each) for each in node]
        if not isinstance(node, dict):
            return node
        kept = {
            key: plain(each, is_names=key in ("properties", "schemas"))
            for key, each in node.items()
            if is_names or key not in private
        }
        if not is_names and isinstance(kept.get("type"), list):
            kept["anyOf"] = [{"type": each} for each in kept.pop("type")]
        if not is_names and "oneOf" in kept:
            kept["anyOf"] = kept.pop("oneOf")
        return kept

    served["components"]["schemas"] = plain(served["components"]["schemas"])
    paths = {}
    for template, item in served["paths"].items():
        renamed = template.replace("job_id", "jobId")
        for method, each in item.items():
            each["operationId"] = f"{method}_{renamed.strip('/').replace('/', '_')}"
            each["parameters"] = [
                plain(resolved(each_one))
                for each_one in each["parameters"]
                if resolved(each_one)["name"] not in ("X-Request-ID", "Range")
            ]
            for parameter in each["parameters"]:
                if parameter["name"] == "job_id":
                    parameter["name"] = "jobId"
                if parameter["name"] == "Idempotency-Key":
                    parameter["name"] = "idempotency-key"
                if parameter["name"] == "cursor":
                    parameter["schema"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
            each["responses"] = {
                status: {
                    "description": "ok",
                    "content": dict.fromkeys(["*/*"], next(iter(answer["content"].values()))),
                }
                for status, answer in each["responses"].items()
                if status.startswith("2")
            } | {"429": {"description": "slow down"}}
        paths[renamed] = item
    return {**served, "paths": paths}


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return dict(node)
    name = node["$ref"].rpartition("/")[2]
    return copy.deepcopy(dict(WANTED["components"]["parameters"][name]))


def test_a_document_that_a_framework_writes_says_the_same() -> None:
    served = written_by_a_framework()
    assert document_errors(served) == []
    assert document_differences(WANTED, served) == []


def test_a_document_that_refers_elsewhere_is_refused_in_words() -> None:
    served = changed(
        lambda document: operation(document, method="post").update(
            requestBody={"$ref": "./bodies.yaml#/NewJob"}
        )
    )
    assert "./bodies.yaml#/NewJob" in "; ".join(map(str, document_differences(WANTED, served)))
