"""Ids as they come in: canonical UUIDs, nothing else that a lenient parser would take for one."""

import re
from uuid import UUID

_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def parse_id(text: object) -> UUID | None:
    """The id, or None where the text is not one."""
    if isinstance(text, str) and _CANONICAL.fullmatch(text):
        return UUID(text)
    return None
