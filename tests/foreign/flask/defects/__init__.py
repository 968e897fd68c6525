"""Bugs of this backend's own that `FOREIGN_DEFECT=<id>` switches on, one a process.

A defect changes the program as somebody in a hurry would have written it: it puts another function
or another text in the place of the right one. The right code knows of none of them.
"""

from tests.foreign.flask.defects import bundling, keeping, knowing, taking, tokens
from tests.foreign.flask.defects.defect import Defect

DEFECTS: tuple[Defect, ...] = (
    *knowing.DEFECTS,
    *taking.DEFECTS,
    *tokens.DEFECTS,
    *keeping.DEFECTS,
    *bundling.DEFECTS,
)


def switch_on(name: str) -> None:
    """Make this process have the defect; nothing for ''. Raises `KeyError` for an unknown one."""
    if name:
        {defect.id: defect for defect in DEFECTS}[name].switch_on()
