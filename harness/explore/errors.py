"""Why an exploration ends without an answer."""

from harness.errors import ShakedownError


class CannotGoOnError(ShakedownError):
    """Something outside the exploration stands in its way; nothing is said about the protocol."""
