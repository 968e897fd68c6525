"""The document: equal to its source, and to what is really served."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reference_backend.api import exports, file_types, jobs, openapi, upload_form
from reference_backend.api.problems import KINDS
from reference_backend.api.routes import PUBLIC, all_routes
from tests.reference_backend.api.conftest import Member

SOURCE, SERVED = Path("contracts/openapi.yaml"), Path("reference_backend/openapi.json")
DOCUMENT: dict[str, Any] = json.loads(SERVED.read_text(encoding="utf-8"))
"""What is served: the first test shows that it is the source, which takes a second to parse."""
SCHEMAS = DOCUMENT["components"]["schemas"]
METHODS = {"get", "post", "put", "patch", "delete"}


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_the_generated_copy_is_current(tmp_path: Path) -> None:
    assert SERVED.read_text(encoding="utf-8") == openapi.as_json(SOURCE.read_text(encoding="utf-8"))
    target = tmp_path / "openapi.json"
    command = [sys.executable, "-m", "reference_backend.api.openapi"]
    subprocess.run([*command, str(SOURCE), str(target)], check=True)
    assert target.read_bytes() == SERVED.read_bytes()
    wrongly = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (wrongly.returncode, wrongly.stderr[:6]) == (3, "usage:")


@pytest.mark.integration
async def test_it_is_served(member: Member) -> None:
    assert await member.get("/openapi.json") == DOCUMENT


def test_every_operation_is_a_route_and_every_route_an_operation() -> None:
    served = {route.operation_id: (route.method, route.path) for route in all_routes()}
    assert served == {name: (method, path) for name, (method, path, _) in operations().items()}
    public = {route.operation_id for route in all_routes() if route.access is PUBLIC}
    assert public == {name for name, (*_, op) in operations().items() if op.get("security") == []}


def test_every_problem_code_is_documented() -> None:
    assert set(SCHEMAS["Problem"]["properties"]["code"]["enum"]) == KINDS.keys()


def test_limits_and_types_are_those_of_the_code() -> None:
    assert set(SCHEMAS["EvidenceType"]["enum"]) == file_types.ALLOWED.keys()
    assert set(SCHEMAS["ExportType"]["enum"]) == exports.EXPORT_TYPES
    assert SCHEMAS["NewJob"]["properties"]["title"]["maxLength"] == jobs.MAX_TITLE
    assert SCHEMAS["FormText"]["maxLength"] == upload_form.MAX_TEXT


def test_links_lead_to_operations_and_their_parameters() -> None:
    known = operations()
    for name, (*_, operation) in known.items():
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                target = known[link["operationId"]][2]
                names = {
                    DOCUMENT["components"]["parameters"][p["$ref"].rsplit("/", 1)[1]]["name"]
                    if "$ref" in p
                    else p["name"]
                    for p in target.get("parameters", [])
                }
                assert link.get("parameters", {}).keys() <= names, (name, link)


def test_every_reference_leads_somewhere() -> None:
    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [r for inner in value.values() for r in references(inner)]
        if isinstance(value, list):
            return [r for inner in value for r in references(inner)]
        return []

    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found, reference
    assert json.loads(SERVED.read_text(encoding="utf-8")) == DOCUMENT
