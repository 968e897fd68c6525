"""Downloads that the API answers with a redirect to a signed address: `[contract.redirects]`."""

from collections.abc import Collection
from typing import Annotated

from pydantic import Field

from harness.target.tables.models import Seconds, Table

REDIRECTS = frozenset({302, 303, 307})
"""Statuses of a redirect that holds for this request alone (RFC 9110, section 15.4)."""

REDIRECTED = ("getEvidenceContent", "downloadExport", "getManifest")
"""The operations that give bytes, and may therefore give an address of them instead."""


class Redirects(Table):
    """Where the API sends clients for bytes, instead of sending them itself."""

    hosts: Annotated[tuple[str, ...], Field(min_length=1)]
    """The only hosts to which a redirect is followed: without scheme, user, port or path."""
    expires_s: Seconds
    """Within how many seconds an address stops working."""


def redirects_in(success: Collection[int]) -> frozenset[int]:
    """Give those of an operation's success statuses that are redirects."""
    return REDIRECTS.intersection(success)
