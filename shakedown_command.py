"""The `shakedown` command: makes sure that Python finds our packages, not others of their name.

A module of its own, because it must begin even where `harness` is the user's.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("harness", "contracts", "load", "chaos", "reference_backend")
_MISCONFIGURED = 3


def main() -> None:
    """Run the command line, unless one of our packages is hidden: then exit with 3."""
    if hidden := tuple(filter(None, map(_hidden, PACKAGES))):
        for problem in hidden:
            sys.stderr.write(f"shakedown: {problem}\n")
        sys.exit(_MISCONFIGURED)
    from harness.cli import main as run  # noqa: PLC0415 - only once it is ours

    run()


def _hidden(package: str) -> str:
    """Say what stands in the place of a package of ours; nothing if it is ours."""
    ours = Path(__file__).resolve().parent / package / "__init__.py"
    spec = find_spec(package)
    found = spec.origin if spec and spec.origin else ""
    if found and Path(found).resolve() == ours:
        return ""
    folders = [*(spec.submodule_search_locations or ())] if spec else []
    place = found or ", ".join(folders) or "nothing"
    return (
        f"Python finds {place} where Shakedown's own package {package!r} is meant ({ours.parent}): "
        "take that folder out of PYTHONPATH, run from another one, or rename what is there"
    )
