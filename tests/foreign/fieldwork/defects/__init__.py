"""Bugs of this backend's own that `FOREIGN_DEFECT=<id>,<id>` switches on, one or several.

A defect changes the program as somebody in a hurry would have written it: it puts another function
or another text in the place of the right one. The right code knows of none of them.
"""

from tests.foreign.fieldwork.defects import chaining, filing, making, sharing, signing
from tests.foreign.fieldwork.defects.defect import Defect

DEFECTS: tuple[Defect, ...] = (
    *sharing.DEFECTS,
    *signing.DEFECTS,
    *filing.DEFECTS,
    *chaining.DEFECTS,
    *making.DEFECTS,
)


EXCLUDE_EACH_OTHER: tuple[frozenset[str], ...] = (
    frozenset({"token-of-any-age", "token-for-anybody", "unknown-key-unverified"}),
    frozenset({"claim-looks-then-takes", "cap-counted-without-lock"}),
    frozenset({"requests-known-by-one-process", "request-id-of-any-organization"}),
    frozenset({"packages-for-all-users", "foreign-package-forbidden"}),
)
"""Of each of these, one may be switched on: they change one passage, or one hides the other."""


def switch_on(names: str) -> None:
    """Make this process have these defects; nothing for ''.

    Raises `KeyError` for an unknown one, `ValueError` for some that exclude each other.
    """
    known = {defect.id: defect for defect in DEFECTS}
    wanted = [known[name] for name in names.split(",") if name]
    for group in EXCLUDE_EACH_OTHER:
        if len(both := group & {defect.id for defect in wanted}) > 1:
            raise ValueError(f"{' and '.join(sorted(both))} exclude each other")
    for defect in wanted:
        defect.switch_on()


def all_at_once() -> str:
    """As many as can be switched on together: of each group the one that is listed first."""
    hidden: set[str] = set()
    for group in EXCLUDE_EACH_OTHER:
        _, *others = [defect.id for defect in DEFECTS if defect.id in group]
        hidden |= set(others)
    return ",".join(defect.id for defect in DEFECTS if defect.id not in hidden)
