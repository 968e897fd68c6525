"""Ids in requests: only canonical UUIDs, not the other forms that Python's UUID accepts."""

import re
from uuid import UUID

_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def parse_id(text: object) -> UUID | None:
    """The id, or None if the text is not one."""
    if isinstance(text, str) and _CANONICAL.fullmatch(text):
        return UUID(text)
    return None
