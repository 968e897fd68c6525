"""A document that describes bodies for a range of types, as generators write it, is understood."""

import copy
import json
from typing import Any

import pytest

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.rules.media_types import covering
from contracts.conformance.fuzzing.rules.response_rules import ResponseRules
from contracts.conformance.fuzzing.rules.validity import Validity, validity_of
from contracts.shared.tenants.document import load_document
from harness.client import Answer
from harness.target.contract.dialect import Contract

ANY: dict[str, Any] = {"schema": {}}
PNG: dict[str, Any] = {"schema": {"type": "string"}}


@pytest.mark.parametrize(
    ("described", "media_type", "found"),
    [
        ({"*/*": ANY}, "application/json", ANY),
        ({"application/*": ANY, "*/*": PNG}, "application/json", ANY),
        ({"image/png": PNG, "image/*": ANY}, "image/png", PNG),
        ({"Application/JSON; charset=utf-8": ANY}, "application/json", ANY),
        ({"application/json": ANY}, "text/plain", None),
        ({"image/*": ANY}, "application/json", None),
    ],
)
def test_the_most_specific_range_counts(
    described: dict[str, Any], media_type: str, found: dict[str, Any] | None
) -> None:
    assert covering(described, media_type) is found


@pytest.fixture(scope="module")
def with_ranges(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """The contract's document, every body of which is described as `*/*`."""
    ranged = copy.deepcopy(dict(load_document(Contract(openapi="contracts/openapi.yaml"))))
    for item in ranged["paths"].values():
        for operation in item.values():
            bodies = [operation.get("requestBody"), *operation["responses"].values()]
            for body in filter(None, bodies):
                if content := body.get("content"):
                    body["content"] = dict.fromkeys(["*/*"], next(iter(content.values())))
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    file.write_text("\ufeff" + json.dumps(ranged), encoding="utf-8")
    return Document(load_document(Contract(openapi=str(file))))


def test_requests_are_of_the_type_that_the_contract_names(with_ranges: Document) -> None:
    types = {
        name: list((operation.body or {}).get("content") or {})
        for name, operation in with_ranges.operations.items()
    }
    assert types["createJob"] == types["verifyManifest"] == ["application/json"]
    assert types["uploadEvidence"] == ["multipart/form-data"]


@pytest.mark.parametrize(
    ("body", "expected"), [(b'{"title": "x"}', Validity.VALID), (b"{}", Validity.INVALID)]
)
def test_what_they_allow_is_known(with_ranges: Document, body: bytes, expected: Validity) -> None:
    sent = case(body)
    operation = with_ranges.operations["createJob"]
    assert validity_of(with_ranges, operation, sent) is expected


@pytest.mark.parametrize(("title", "wrong"), [("x", False), (1, True)])
def test_answers_are_held_against_the_schema_of_their_range(
    with_ranges: Document, title: object, wrong: bool
) -> None:
    id_ = "3f0e1e56-6a0f-4c2b-9a52-0a3a1c3f6a10"
    job = {"id": id_, "organization_id": id_, "title": title, "created_by": "u"}
    job["created_at"] = "2031-05-07T09:30:00Z"
    answer = Answer(
        operation_id="createJob",
        method="POST",
        path="/api/jobs",
        instance=0,
        status=201,
        headers={"content-type": "application/json", "x-request-id": "r", "location": "/x"},
        body=json.dumps({"data": job}).encode(),
        elapsed_s=0,
    )
    found = ResponseRules(document=with_ranges).violations(case(b'{"title": "x"}'), answer)
    assert bool(found) == wrong, found


def case(body: bytes) -> Case:
    return Case(
        number=1,
        operation_id="createJob",
        phase="fuzzing",
        positive=True,
        about="",
        method="POST",
        target="/api/jobs",
        headers=(("Content-Type", "application/json"),),
        body=body,
    )
