"""Path parameters of a document, by the contract's names."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.target.document.places import PARAMETER, Place, Wanted, nameless


class PathParameters:
    """The contract's name of each path parameter of a document, and paths written with them."""

    def __init__(self, document: Mapping[str, Any], found: list[tuple[Wanted, Place]]) -> None:
        self._prefixes = {one.template: one.prefix for _, one in found}
        self._names = {
            one.template: _renamed(one.template, each.template)
            for each, one in reversed(found)
            if _has_as_many(one, each)
        }
        """By template: the contract's name of each path parameter, by the document's."""
        self._learn(document)

    def _learn(self, document: Mapping[str, Any]) -> None:
        """Name the path parameters of other operations as those of the contract at their place."""
        known = {
            prefix: names[name]
            for template, names in self._names.items()
            for prefix, name in _prefixes_in(template)
        }
        for template in document.get("paths") or {}:
            if template not in self._names:
                self._names[template] = {
                    name: known[prefix]
                    for prefix, name in _prefixes_in(template)
                    if prefix in known
                }

    def of(self, template: str) -> Mapping[str, str]:
        """By the document's name of a path parameter of this template: the contract's."""
        return self._names.get(template, {})

    def path(self, template: str) -> str:
        """A path of the document as the backend has it, its parameters by the contract's names."""
        names = self.of(template)
        pieces = PARAMETER.split(template)
        return self._prefixes.get(template, "") + "".join(
            "{" + names.get(piece, piece) + "}" if number % 2 else piece
            for number, piece in enumerate(pieces)
        )


def _has_as_many(place: Place, wanted: Wanted) -> bool:
    return len(PARAMETER.findall(place.template)) == len(PARAMETER.findall(wanted.template))


def _renamed(template: str, wanted: str) -> dict[str, str]:
    """By the document's name of a path parameter: the contract's."""
    return dict(zip(PARAMETER.findall(template), PARAMETER.findall(wanted), strict=True))


def _prefixes_in(template: str) -> Iterator[tuple[str, str]]:
    """Each path parameter with all that is before it."""
    for found in PARAMETER.finditer(template):
        yield nameless(template[: found.end()]), found[1]
