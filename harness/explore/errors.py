"""Why an exploration ends without a verdict."""

from harness.errors import ShakedownError


class CannotGoOnError(ShakedownError):
    """Something outside the exploration prevents it; the protocol is not judged."""
