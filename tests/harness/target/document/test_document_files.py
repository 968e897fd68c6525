"""A document in several files is read as one; what cannot be read is told with its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import Misconfigured
from harness.target.document.document_files import parse_document

HEAD = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}


def parsed(directory: Path, **files: object) -> Mapping[str, Any]:
    """Write files (`a__b` is a/b.yaml) and read `api.yaml`."""
    for name, content in files.items():
        path = directory / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        path.write_text(text, encoding="utf-8")
    return parse_document(directory / "api.yaml")


def test_path_items_schemas_and_what_they_refer_to_come_from_other_files(tmp_path: Path) -> None:
    read = parsed(
        tmp_path,
        api=HEAD
        | {
            "paths": {"/jobs/{id}": {"$ref": "./paths/job.yaml", "summary": "beside"}},
            "components": {"schemas": {"Job": {"$ref": "schemas/all.yaml#/Job"}}},
        },
        paths__job={
            "parameters": [{"$ref": "../common.yaml#/parameters/Id"}],
            "get": {
                "responses": {
                    200: {
                        "description": "x",
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "../api.yaml#/components/schemas/Job"}
                            }
                        },
                    },
                    404: {"$ref": "../common.yaml#/responses/Gone"},
                }
            },
        },
        common={
            "parameters": {"Id": {"name": "id", "in": "path", "schema": {"$ref": "#/Uuid"}}},
            "responses": {"Gone": {"description": "gone"}},
            "Uuid": {"type": "string", "format": "uuid"},
        },
        schemas__all={
            "Job": {
                "type": "object",
                # Data, not a reference; and a member that is called like a keyword.
                "example": {"$ref": "nowhere.yaml"},
                "properties": {
                    "example": {"$ref": "#/Job"},
                    "files": {"type": "array", "items": {"$ref": "all.yaml#/File"}},
                    "any": {"$ref": "../whole.yaml"},
                },
                "discriminator": {"propertyName": "k", "mapping": {"f": "#/File", "Job": "Job"}},
            },
            "File": {"properties": {"job": {"$ref": "#/Job"}}},  # a circle, as trees have it
        },
        whole={"type": "string"},
    )
    item = read["paths"]["/jobs/{id}"]
    assert item["summary"] == "beside"
    responses = item["get"]["responses"]
    schema = responses["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Job"}
    assert responses["404"] == {"$ref": "#/components/responses/Gone"}
    assert item["parameters"] == [{"$ref": "#/components/parameters/Id"}]
    components = read["components"]
    id_schema = components["parameters"]["Id"]["schema"]
    assert id_schema == {"$ref": "#/components/schemas/Uuid"}
    # The root's Job refers to the file's, which has got a name of its own.
    assert components["schemas"]["Job"] == {"$ref": "#/components/schemas/Job_2"}
    job = components["schemas"]["Job_2"]
    assert job["example"] == {"$ref": "nowhere.yaml"}
    assert job["properties"]["example"] == {"$ref": "#/components/schemas/Job_2"}
    assert job["properties"]["files"]["items"] == {"$ref": "#/components/schemas/File"}
    assert job["properties"]["any"] == {"$ref": "#/components/schemas/whole"}
    assert job["discriminator"]["mapping"] == {"f": "#/components/schemas/File", "Job": "Job"}
    file = components["schemas"]["File"]
    assert file["properties"]["job"] == {"$ref": "#/components/schemas/Job_2"}
    assert components["schemas"]["whole"] == {"type": "string"}


def test_what_openapi_30_says_otherwise_is_read_as_it_is_meant(tmp_path: Path) -> None:
    schemas = {
        "A": {"type": "string", "nullable": True, "enum": ["x"]},
        "B": {"type": "number", "minimum": 1, "exclusiveMinimum": True, "maximum": 3},
        "C": {"$ref": "#/components/schemas/A", "description": "counts for nothing"},
        "D": {"allOf": [{"$ref": "#/components/schemas/B"}], "nullable": True},
        "E": {"type": "number", "minimum": 1, "exclusiveMinimum": False},
    }
    read = parsed(tmp_path, api=HEAD | {"openapi": "3.0.3", "components": {"schemas": schemas}})
    assert read["openapi"] == "3.1.0"
    found = read["components"]["schemas"]
    assert found["A"] == {"type": ["string", "null"], "enum": ["x", None]}
    assert found["B"] == {"type": "number", "exclusiveMinimum": 1, "maximum": 3}
    assert found["C"] == {"$ref": "#/components/schemas/A"}
    assert found["D"]["anyOf"][1] == {"type": "null"}
    assert found["E"] == {"type": "number", "minimum": 1}


def _with_schema(reference: str) -> dict[str, object]:
    return {**HEAD, "components": {"schemas": {"A": {"$ref": reference}}}}


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "a missing file": (
        {"api": _with_schema("gone.yaml")},
        r"cannot read .*gone\.yaml.*\(in .*api\.yaml, /components/schemas/A refers to 'gone\.yaml'",
    ),
    "a missing place": (
        {"api": _with_schema("b.yaml#/X/y"), "b": {"X": {}}},
        r"/components/schemas/A refers to 'b\.yaml#/X/y', but b\.yaml has no /X/y",
    ),
    "a missing place here": ({"api": _with_schema("#/x")}, r"but api\.yaml has no /x"),
    "the network": (
        {"api": _with_schema("https://example.org/a.yaml#/A")},
        "never read over the network; save that one here",
    ),
    "no scheme": ({"api": _with_schema("//example.org/a.yaml")}, "never read over the network"),
    "a circle": (
        {"api": _with_schema("b.yaml#/A"), "b": {"A": {"$ref": "api.yaml#/components/schemas/A"}}},
        "'b.yaml#/A', which leads back to itself",
    ),
    "a circle of path items": (
        {"api": {**HEAD, "paths": {"/a": {"$ref": "b.yaml"}}}, "b": {"$ref": "b.yaml"}},
        "leads back to itself",
    ),
    "an anchor": ({"api": _with_schema("#Job")}, "anchors are not followed"),
    "another file that is not YAML": ({"api": _with_schema("b.yaml"), "b": "{"}, "is not YAML"),
    "Swagger": ({"api": {"swagger": "2.0", "paths": {}}}, "is Swagger 2.0, expected OpenAPI 3"),
    "an alias within itself": (
        {"api": "openapi: 3.1.0\ncomponents: {schemas: {A: &a {properties: {b: *a}}}}"},
        "an alias of YAML within itself",
    ),
}


@pytest.mark.parametrize(("files", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_told(tmp_path: Path, files: dict[str, object], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        parsed(tmp_path, **files)
