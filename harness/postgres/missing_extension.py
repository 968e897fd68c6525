"""An extension that a server does not have: which one, and how to get a server that has it."""

import re

from harness.target.models import Database

_UNAVAILABLE = (
    re.compile(r'extension \\?"(?P<name>[^"\\]+)\\?" is not available'),
    re.compile(r'could not open extension control file "[^"]*/(?P<name>[^"/]+)\.control"'),
    re.compile(r'could not access file "(?:\$libdir/)?(?P<name>[^"/]+)"'),
)
"""As PostgreSQL says it, also within JSON, where quotes are escaped."""


def about_missing_extension(text: str, wanted: Database) -> str:
    """Say which extension a text of PostgreSQL misses and what helps; nothing if it misses none."""
    found = next(filter(None, (pattern.search(text) for pattern in _UNAVAILABLE)), None)
    if found is None:
        return ""
    name = found["name"]
    if wanted.source == "docker":
        image = wanted.image or "the image"
        return f'{image} has no extension "{name}": [database] image needs one that brings it'
    return (
        f'this PostgreSQL has no extension "{name}". What helps: '
        '[database] source = "docker" with an image that brings it; or stand-ins for what the '
        "backend uses of it, in a file of [database] prelude"
    )
