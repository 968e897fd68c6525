"""The `shakedown` command run many times, without importing it anew each time.

Importing takes a second of CPU, half of what a run on a stand-in takes. One process a test session
imports everything and forks a child for each run, which is a process of its own with its own
session, folder, environment and streams. Tests about the start of the process, its signals or its
terminal start a real one.
"""

from tests.warm.client import Completed, run_shakedown

__all__ = ["Completed", "run_shakedown"]
