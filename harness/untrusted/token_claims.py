"""What a token says about itself."""

from collections.abc import Mapping
from typing import Any

import jwt


def claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a JWT; empty for what is none.

    Only read: whether the token is genuine is the backend's business.
    """
    try:
        claims: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}
    return claims
