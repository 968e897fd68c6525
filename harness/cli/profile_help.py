"""What each profile adds, for `--help`: read from the text of the check files, which takes no time.

Importing them takes a second. A test holds this to what pytest collects.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.plugin.collecting.built_in import built_in_folders

_ID = re.compile(r'^@check\(\s*"([^"]+)"', re.MULTILINE)
_PROFILE = re.compile(r'^    profile="(\w+)",?\n|^@check\(.*\bprofile="(\w+)"', re.MULTILINE)
_LOOKS_LONGER = re.compile(r'\.profile [!=]= "quick"')
"""How a check that is in `quick` does more in a longer run."""


def describe_profiles() -> str:
    """Say how many checks a profile has or adds, and which do more in it."""
    texts = list(_texts())
    ids = [check_id for text in texts for check_id in _ID.findall(text)]
    added = Counter(
        word for text in texts for pair in _PROFILE.findall(text) for word in pair if word
    )
    longer = sorted(
        check_id for text in texts if _LOOKS_LONGER.search(text) for check_id in _ID.findall(text)
    )
    quick = len(ids) - added["full"] - added["soak"]
    joint = ", and " if added["full"] else ", but "
    more = f"{joint}{' and '.join(longer)} send more requests" if longer else ""
    full = f"{_checks(added['full'])}{more}"
    nothing = "" if added["soak"] else ": it is the same as full"
    return (
        f"How thorough; each profile includes the ones before it. quick: {quick} checks. "
        f"full: {full}. soak: {_checks(added['soak'])}{nothing}. "
        "Checks of your own can belong to any of them."
    )


def _checks(number: int) -> str:
    return f"{number} more" if number else "no more checks"


def _texts() -> Iterator[str]:
    for folder in built_in_folders():
        for path in sorted(Path(folder).rglob("check_*.py")):
            yield path.read_text(encoding="utf-8")
