"""How far a fault is proven: asked for, seen in its victim, seen by another client."""

from collections.abc import Awaitable, Callable
from enum import StrEnum

from harness.errors import Inconclusive

Look = Callable[[], Awaitable[str]]
"""Looks for a sign, and says what it saw. Raises `FaultNotShown` where there is none in time."""


class Proof(StrEnum):
    """The steps of a proof, in order; the last one counts."""

    REQUESTED = "requested"
    """What had to be done was done, and reported no error."""
    VICTIM = "victim"
    """The victim's own state shows it: its process, its settings, its log."""
    EFFECT = "effect"
    """Somebody else meets it: a refused connection, a delay, a heartbeat that does not come."""


class FaultNotShown(Inconclusive):
    """A fault was not injected, or could not be proven. It may still have harmed the system."""


class TargetCannot(FaultNotShown):
    """The target does not offer what the fault needs. Nothing was harmed."""


class MachineLacks(FaultNotShown):
    """This machine lacks what the fault needs. Nothing was harmed."""
