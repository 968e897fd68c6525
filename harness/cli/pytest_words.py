"""What follows `--` goes to pytest; what cannot work there is refused before anything starts."""

import re
from collections.abc import Sequence

from harness.errors import Misconfigured

_DEBUGGERS = ("--pdb", "--trace")
_PROCESSES = re.compile(r"(?:-n|--numprocesses|--maxprocesses)(?:=?(?P<value>\S+))?|-d")
_HERE = frozenset({"0", "no"})
"""Numbers of processes that mean pytest's own."""


def refuse_debugger_elsewhere(words: Sequence[str]) -> None:
    """Refuse a debugger for checks that run in other processes, which have no terminal."""
    debugger = next((word for word in words if word in _DEBUGGERS), None)
    wanted = [
        found["value"] or following
        for word, following in zip(words, [*words[1:], ""], strict=False)
        if (found := _PROCESSES.fullmatch(word))
    ]
    if debugger and any(value not in _HERE for value in wanted):
        raise Misconfigured(
            f"{debugger} needs the terminal, which checks in other processes do not have; "
            f"leave -n out, or leave {debugger} out"
        )
