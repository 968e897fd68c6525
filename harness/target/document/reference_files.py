"""The files of a document: where its references lead, each read once and never from the network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from harness.errors import Misconfigured
from harness.untrusted.json_pointers import pointer, steps

Json = Any
Way = tuple[str, ...]
"""The names from the top of a file to a place in it."""

_MISSING = object()


def read_yaml(path: Path, why: str = "") -> Json:
    """Read a file of an OpenAPI document; `why` says who asked for it.

    Raises `Misconfigured` for one that cannot be read, or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Misconfigured(f"cannot read the OpenAPI document {path}: {error}{why}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"the OpenAPI document {path} is not UTF-8: {error}{why}") from error
    # The C loader is ten times as fast; PyYAML is built without it on a few platforms.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        raise Misconfigured(f"{path} is not YAML: {error}{why}") from error


class ReferenceFiles:
    """Files by their path, and what their references lead to.

    Its methods raise `Misconfigured` for a reference that leads nowhere, in a circle or onto the
    network.
    """

    def __init__(self, root: Path, document: Json) -> None:
        self._files: dict[Path, Json] = {root: document}

    def target(self, reference: str, file: Path, place: Way) -> tuple[Path, Way]:
        """The file that a reference leads to, and the way within it."""
        where, _, fragment = reference.partition("#")
        begins = f"{file}: {shown(place)} refers to {reference!r}"
        if urlsplit(where).scheme or where.startswith("//"):
            raise Misconfigured(
                f"{begins}, which is not a file beside it: documents are never read over the "
                "network; save that one here and refer to it by its name"
            )
        if fragment and not fragment.startswith("/"):
            raise Misconfigured(
                f"{begins}: anchors are not followed; expected a JSON Pointer, such as "
                "#/components/schemas/Job"
            )
        there = (file.parent / unquote(where)).resolve() if where else file
        return there, steps(unquote(fragment))

    def found(self, there: Path, way: Way, file: Path, reference: str, place: Way) -> Json:
        """What stands at the end of a reference that `file` has at `place`."""
        why = f" (in {file}, {shown(place)} refers to {reference!r})"
        if there not in self._files:
            self._files[there] = read_yaml(there, why)
        node: Json = self._files[there]
        for step in way:
            if isinstance(node, Mapping):
                named = {str(name): one for name, one in node.items()}
                node = named.get(step, _MISSING)
            elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            else:
                node = _MISSING
            if node is _MISSING:
                raise Misconfigured(
                    f"{file}: {shown(place)} refers to {reference!r}, but {there.name} has no "
                    f"{pointer(way)}"
                )
        return node

    def follow(self, there: Path, way: Way, file: Path, reference: str, place: Way) -> None:
        """Make sure that references end at something that is none."""
        seen = set()
        step_file, step_place, step = file, place, reference
        while True:
            if (there, way) in seen:
                raise Misconfigured(
                    f"{file}: {shown(place)} refers to {reference!r}, which leads back to itself"
                )
            seen.add((there, way))
            node = self.found(there, way, step_file, step, step_place)
            if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
                return
            step_file, step_place, step = there, way, str(node["$ref"])
            there, way = self.target(step, there, way)


def shown(place: Way) -> str:
    """A place, as messages name it."""
    return pointer(place) or "its top"
