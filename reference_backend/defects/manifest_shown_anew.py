"""getManifest parses the stored manifest and serializes it again."""

import json

from aiohttp import web

from reference_backend.api import exports
from reference_backend.defects import Defect


def _patch() -> None:
    clean = exports.get_manifest

    async def get_manifest(request: web.Request) -> web.Response:
        answer = await clean(request)
        assert isinstance(answer.body, bytes)
        return web.json_response(json.loads(answer.body), headers=dict(answer.headers))

    exports.get_manifest = get_manifest


DEFECT = Defect(
    title="getManifest serializes the manifest again: the bytes are not those that were hashed",
    source="H1-H4: a document that goes through a parser on its way out",
    expected=("manifest.stored", "golden.manifest"),
    patch=_patch,
)
