"""A console as wide as the terminal it writes to, also while standard streams are captured."""

import os
from typing import TextIO

from rich.console import Console, ConsoleDimensions


class TerminalConsole(Console):
    """Asks its own stream for the size.

    Rich asks descriptors 0, 1 and 2, which pytest moves away while checks run: then every terminal
    has 80 columns, and in a narrower one each redrawing leaves lines behind.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(file=stream, highlight=False)
        self._stream = stream

    @property
    def size(self) -> ConsoleDimensions:
        """Columns and lines; what COLUMNS and LINES say counts more."""
        if self._width is None and not self.is_dumb_terminal:
            try:
                found = os.get_terminal_size(self._stream.fileno())
            except (OSError, ValueError):
                return super().size
            if found.columns and found.lines:
                return ConsoleDimensions(found.columns, self._height or found.lines)
        return super().size

    @size.setter
    def size(self, new: tuple[int, int]) -> None:
        self._width, self._height = new
