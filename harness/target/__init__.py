"""Target files: what a backend is, how it is started, and what it offers to checks."""

from harness.target.capability import Capability
from harness.target.load import load_target
from harness.target.target import Target

__all__ = ["Capability", "Target", "load_target"]
