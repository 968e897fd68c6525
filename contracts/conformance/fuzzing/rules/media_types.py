"""Media types of an OpenAPI document, ranges included (`*/*`, `image/*`: OpenAPI 3.1, 4.8.14)."""

from collections.abc import Mapping
from typing import Any

Media = Mapping[str, Any]


def covering(content: Mapping[str, Media], media_type: str) -> Media | None:
    """The Media Type Object that describes a media type, the most specific one; None without one.

    A type's parameters (`; charset=utf-8`) and its case do not count.
    """
    declared = {_bare(name): media for name, media in content.items()}
    wanted = _bare(media_type)
    family = wanted.partition("/")[0]
    for name in (wanted, f"{family}/*", "*/*", "*"):
        if name in declared:
            return declared[name] or {}
    return None


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
