"""Verified principals are cached by user."""

from reference_backend.api import auth
from reference_backend.defects import Defect

_seen: dict[str, auth.Principal] = {}


def _patch() -> None:
    clean = auth.authenticate

    def authenticate(authorization: list[str], *, secret: str, audience: str) -> auth.Principal:
        principal = clean(authorization, secret=secret, audience=audience)
        return _seen.setdefault(principal.user_id, principal)

    auth.authenticate = authenticate


DEFECT = Defect(
    title="A process caches role and organization by user: the user's next token changes nothing",
    source="L10, L9: a cache key that leaves out the organization",
    expected=("instances.read-your-writes",),
    patch=_patch,
)
