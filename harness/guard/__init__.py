"""What may be harmed: hosts that are written down, and a permission that holds at this moment."""

from harness.guard.permission import Grant, Now, refusal
from harness.guard.watch import Guard, Refused

__all__ = [
    "Grant",
    "Guard",
    "Now",
    "Refused",
    "refusal",
]
