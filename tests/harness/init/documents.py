"""Small OpenAPI documents, written in tests."""

from collections.abc import Mapping
from typing import Any

from harness.init.references import Document

ID = {"type": "string", "format": "uuid"}
TIME = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
ONE = [{"name": "id", "in": "path", "required": True, "schema": TEXT}]


def thing(**properties: object) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def many(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def answers(
    schema: Mapping[str, Any] | None = None, status: int = 200, **more: object
) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}} if schema else {}
    return {"responses": {str(status): {"description": "", "content": content}}, **more}


def file_answer() -> dict[str, Any]:
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {"responses": {"200": {"description": "", "content": content}}}


def takes(schema: Mapping[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"requestBody": {"content": {media: {"schema": schema}}}}


def document(paths: Mapping[str, Any], **more: object) -> Document:
    return Document({"openapi": "3.0.3", "info": {"title": "t"}, "paths": paths, **more})
