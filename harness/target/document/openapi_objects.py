"""The objects of an OpenAPI document: which of their members may hold references, of what kind."""

from collections.abc import Mapping

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")

COMPONENTS = frozenset(
    {
        *("schemas", "responses", "parameters", "examples", "requestBodies", "headers"),
        *("securitySchemes", "links", "callbacks", "pathItems"),
    }
)
"""What may be referred to (OpenAPI 3.1, section 4.8.7)."""

MAP, LIST = "map of ", "list of "

_OPERATION = {
    "parameters": LIST + "parameters",
    "requestBody": "requestBodies",
    "responses": MAP + "responses",
    "callbacks": MAP + "callbacks",
}
_PARAMETER = {
    "schema": "schemas",
    "content": MAP + "media types",
    "examples": MAP + "examples",
}
INSIDE: Mapping[str, Mapping[str, str]] = {
    "document": {
        "paths": MAP + "pathItems",
        "webhooks": MAP + "pathItems",
        "components": "components",
    },
    "components": {name: MAP + name for name in COMPONENTS},
    "pathItems": {
        **dict.fromkeys((*METHODS, "trace"), "operation"),
        "parameters": LIST + "parameters",
    },
    "operation": _OPERATION,
    "parameters": _PARAMETER,
    "headers": _PARAMETER,
    "requestBodies": {"content": MAP + "media types"},
    "responses": {
        "headers": MAP + "headers",
        "content": MAP + "media types",
        "links": MAP + "links",
    },
    "media types": {
        "schema": "schemas",
        "examples": MAP + "examples",
        "encoding": MAP + "encodings",
    },
    "encodings": {"headers": MAP + "headers"},
    "schemas": {
        **dict.fromkeys(
            (
                *("items", "additionalProperties", "not", "if", "then", "else", "contains"),
                *("propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema"),
            ),
            "schemas",
        ),
        **dict.fromkeys(
            ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"),
            MAP + "schemas",
        ),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), LIST + "schemas"),
        "discriminator": "discriminator",
    },
}
"""By kind of object: its members that may hold references, and of which kind they are."""
