"""What a defect is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A bug that can be switched on.

    `breaks` tells what its users would see; `expected` names the checks whose business it is.
    """

    id: str
    title: str
    breaks: str
    expected: tuple[str, ...]
    switch_on: Callable[[], None]

    def told(self) -> dict[str, Any]:
        """The defect as `[zoo] list_command` prints it."""
        return {
            "id": self.id,
            "title": self.title,
            "family": self.expected[0].partition(".")[0],
            "source": f"tests/foreign/flask: {self.breaks}",
            "expected": list(self.expected),
        }
