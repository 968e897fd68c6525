"""What each shipped check asks of a backend: `asks.toml` beside the packages of checks.

The files are made of runs against the reference backend, and CI holds its own run to them:

    python -m harness.plugin.extent.declared_asks RESULTS.json…          nothing else was asked for
    python -m harness.plugin.extent.declared_asks --write RESULTS.json…  write what was asked for
"""

import json
import math
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.check import plain_id
from harness.plugin.collecting.built_in import built_in_folders
from harness.target.document.api_document import contract_document, words_of
from harness.vocabulary.resources import RESOURCES

FILE = "asks.toml"

_HEAD = """\
# What each check asks of a backend, in the words of `harness/asks.py`: without one of `whole` it
# cannot look at all, without one of `part` some of its cells cannot be looked at. `seconds` is how
# long it took on the reference backend. .ci/run holds its run to it. Written by
# `python -m harness.plugin.extent.declared_asks --write`.
"""


@dataclass(frozen=True, kw_only=True)
class DeclaredAsks:
    """What one check asks for."""

    whole: frozenset[str] = frozenset()
    part: frozenset[str] = frozenset()
    seconds: int = 0
    """How long it took on the reference backend, rounded up."""


@lru_cache(maxsize=1)
def declared_asks() -> Mapping[str, DeclaredAsks]:
    """Give what every shipped check asks for, by its id."""
    found: dict[str, DeclaredAsks] = {}
    for folder in map(Path, built_in_folders()):
        for check_id, table in _read(folder / FILE).items():
            found[check_id] = DeclaredAsks(
                whole=frozenset(table["whole"]),
                part=frozenset(table["part"]),
                seconds=table["seconds"],
            )
    return found


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def asked_in(results: Iterable[Mapping[str, Any]]) -> dict[str, DeclaredAsks]:
    """Give what the checks of these runs (`results.json`) asked for together."""
    together: dict[str, DeclaredAsks] = {}
    for run in results:
        for check in run["checks"]:
            check_id, asks = plain_id(check["id"]), check["asks"]
            before = together.get(check_id, DeclaredAsks())
            whole = before.whole | set(filter(_is_known, asks["whole"]))
            together[check_id] = DeclaredAsks(
                whole=whole,
                part=(before.part | set(filter(_is_known, asks["part"]))) - whole,
                seconds=max(before.seconds, math.ceil(check["seconds"])),
            )
    return together


def _is_known(name: str) -> bool:
    """Say whether it is a field of the contract, if it is a field; members of one are not."""
    resource, dot, field = name.partition(".")
    document = contract_document()
    if not dot or resource not in RESOURCES or document is None:
        return True
    fields = words_of(document).fields.get(resource)
    return not fields or field in fields


def undeclared(asked: Mapping[str, DeclaredAsks]) -> list[str]:
    """Say what runs asked for that is not declared, a line a check."""
    lines = []
    for check_id, asks in sorted(asked.items()):
        known = declared_asks().get(check_id, DeclaredAsks())
        more = sorted((asks.whole - known.whole) | (asks.part - known.part - known.whole))
        if more:
            lines.append(f"{check_id}: asks for {', '.join(more)}, which {FILE} does not say")
    return lines


def _write(asked: Mapping[str, DeclaredAsks]) -> None:
    """Write what was asked for; what is declared of checks that did not run stays."""
    together = {**declared_asks(), **asked}
    for folder in map(Path, built_in_folders()):
        mine = {each: asks for each, asks in sorted(together.items()) if _is_of(each, folder)}
        tables = [
            f"[{json.dumps(check_id)}]\nseconds = {asks.seconds}\n"
            f"whole = {json.dumps(sorted(asks.whole))}\npart = {json.dumps(sorted(asks.part))}\n"
            for check_id, asks in mine.items()
        ]
        (folder / FILE).write_text("\n".join([_HEAD, *tables]), encoding="utf-8")


def _is_of(check_id: str, folder: Path) -> bool:
    """Say whether a check is of this package: `chaos.*`, `load.*`, all others of `contracts`."""
    family = check_id.partition(".")[0]
    return folder.name == (family if family in ("chaos", "load") else "contracts")


def main(arguments: list[str]) -> int:
    """Write the declarations, or hold runs to them; 1 when they ask for more."""
    files = [Path(each) for each in arguments if each != "--write"]
    asked = asked_in(json.loads(each.read_text(encoding="utf-8")) for each in files)
    if "--write" in arguments:
        _write(asked)
        return 0
    lines = undeclared(asked)
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - a command
    return 1 if lines or not asked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
