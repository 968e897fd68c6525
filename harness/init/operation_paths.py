"""Paths of a backend with the contract's names of parameters."""

import re
from collections.abc import Mapping

from harness.init.operation_names import PARAMETERS, TAKES
from harness.init.organization_paths import is_organization
from harness.init.places import Place, key_of
from harness.vocabulary.paths import ORGANIZATION

_PARAMETER = re.compile(r"\{[^{}]*\}")


def named_path(place: Place, name: str, nouns: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Give the path of an operation, and the parameters in it that the contract does not have.

    `nouns` are by role; a parameter that stands after none of them keeps its own name, unless it
    is the organization, above all else.
    """
    by_noun = {noun: PARAMETERS[role] for role, noun in nouns.items()}
    strange: list[str] = []
    before = ""
    written = []
    for segment in place.route.path.split("/"):
        found = _PARAMETER.match(segment)
        if found is None:
            written.append(segment)
            before = key_of(segment)
            continue
        ours = by_noun.get(before)
        is_outermost = not any(_PARAMETER.search(each) for each in written)
        if ours is None and is_outermost and is_organization(before, found[0]):
            written.append(ORGANIZATION + segment[found.end() :])
            continue
        if name == "requestExport" and ours == "export_id":
            ours = "export_type"
        if name not in TAKES.get(ours or "", ()):
            strange.append(found[0])
        written.append((f"{{{ours}}}" if ours else found[0]) + segment[found.end() :])
    return "/".join(written), tuple(strange)
