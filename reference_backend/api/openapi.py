"""The OpenAPI document: served, and generated from its source.

`contracts/openapi.yaml` is the source. After a change of it, from the root of the repository:

    python -m reference_backend.api.openapi contracts/openapi.yaml reference_backend/openapi.json

A test compares the two.
"""

import json
import sys
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from aiohttp import web


async def get_openapi(_request: web.Request) -> web.Response:
    """GET /openapi.json."""
    return web.Response(body=_document(), content_type="application/json")


@cache
def _document() -> bytes:
    return (files("reference_backend") / "openapi.json").read_bytes()


def as_json(source: str) -> str:
    """The document, written in YAML, as JSON."""
    import yaml  # needed to generate the document, not to serve it  # noqa: PLC0415

    return json.dumps(yaml.safe_load(source), indent=1, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Generate the second file from the first; 0: done, 3: wrong arguments."""
    if len(arguments) != 2:
        usage = "usage: python -m reference_backend.api.openapi SOURCE.yaml TARGET.json"
        print(usage, file=sys.stderr)  # noqa: T201
        return 3
    source, target = map(Path, arguments)
    target.write_text(as_json(source.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
