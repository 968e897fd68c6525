"""The packages whose `check_*.py` files come with Shakedown: looked up, never imported."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

BUILT_IN = ("contracts", "load", "chaos")


def built_in_folders() -> Iterator[str]:
    """Give the folders in which those files are."""
    for name in BUILT_IN:
        yield from _package_folders(name)


def _package_folders(name: str) -> Sequence[str]:
    spec = find_spec(name)
    return (spec.submodule_search_locations if spec else None) or ()
