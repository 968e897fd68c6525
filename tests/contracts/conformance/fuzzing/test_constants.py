"""A document without what the target adds: nothing is generated there, and nothing compared."""

from pathlib import Path
from typing import Any

from contracts.conformance.fuzzing.constants import without_constants
from harness.target import load_target

TEXT = """\
name = "mine"
driver = "external"
api = { base_urls = ["http://127.0.0.1:8000"] }
tokens.given = { token = "t" }
[contract.constants]
headers = { apikey = "k" }
[contract.operations.createJob]
path = "/cases"
constants = { query = { v = "2" }, body = { kind = "x", "/meta/source" = "y" } }
"""

KEY = {"name": "ApiKey", "in": "header", "required": True, "schema": {"type": "string"}}
VERSION = {"name": "v", "in": "query", "required": True, "schema": {"type": "string"}}
CASE = {
    "type": "object",
    "required": ["title", "kind", "meta"],
    "properties": {
        "title": {"type": "string"},
        "kind": {"type": "string"},
        "meta": {
            "type": "object",
            "required": ["source"],
            "properties": {"source": {"type": "string"}, "by": {"type": "string"}},
        },
    },
}
BODY = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Case"}}}}


def test_constants_are_not_described(tmp_path: Path) -> None:
    file = tmp_path / "shakedown.toml"
    file.write_text(TEXT, encoding="utf-8")
    document = {
        "components": {"schemas": {"Case": CASE}, "parameters": {"Key": KEY}},
        "paths": {
            "/cases": {
                "parameters": [{"$ref": "#/components/parameters/Key"}],
                "post": {"parameters": [VERSION], "requestBody": BODY},
                "get": {"parameters": [KEY, VERSION]},
            }
        },
    }
    left: Any = without_constants(document, load_target(file))["paths"]["/cases"]
    assert left["parameters"] == left["post"]["parameters"] == []
    assert left["get"]["parameters"] == [VERSION]
    schema = left["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["title", "meta"]
    assert schema["properties"]["meta"] == {
        "type": "object",
        "properties": {"by": {"type": "string"}},
    }
    assert CASE["required"] == ["title", "kind", "meta"]
