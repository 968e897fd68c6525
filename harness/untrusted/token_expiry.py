"""When a token runs out, as the token itself says."""

import math
from datetime import UTC, datetime

from harness.untrusted.token_claims import claims_of


def expiry_of(token: str) -> float | None:
    """The moment of a JWT's `exp`, in seconds since 1970; None for a token that names none."""
    expires_at = claims_of(token).get("exp")
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        return None
    return float(expires_at) if math.isfinite(expires_at) else None


def shown_time(moment: float) -> str:
    """A moment for messages, in UTC."""
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return f"{moment:g} s after 1970"
