"""Verifying a token takes a while, so what it said about its user is remembered."""

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
    title="A process remembers role and organisation by user: the next token of the same user changes nothing",
    source="L10, L9: a cache key that leaves out the organisation",
    expected=("instances.read-your-writes",),
    patch=_patch,
)
