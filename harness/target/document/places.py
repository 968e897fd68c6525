"""Where the operations of the contract are in a document: by method and path, or by their name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from harness.target.document.openapi_objects import METHODS

Json = Any

PARAMETER = re.compile(r"\{([^}/]+)\}")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Where an operation of the contract is to be found in a document."""

    name: str
    method: str
    template: str
    """With the contract's names of parameters."""
    send: tuple[tuple[str, str], ...] = ()
    """Where the target file sends what, by the contract's names."""
    success: tuple[int, ...] = ()
    """The statuses of success that the target file declares."""
    is_placed: bool = False
    """Whether the target file says method or path."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One operation as a document has it."""

    template: str
    method: str
    prefix: str = ""
    """What a server of the document puts before its paths."""
    described: Mapping[str, Json] = field(repr=False)

    @property
    def path(self) -> str:
        """The path as the backend has it."""
        return self.prefix + self.template


def prefixes_of(document: Mapping[str, Json]) -> tuple[str, ...]:
    """What the servers of a document put before its paths; nothing is the first."""
    prefixes = [""]
    servers = document.get("servers")
    for server in servers if isinstance(servers, list) else ():
        url = server.get("url") if isinstance(server, Mapping) else None
        path = urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""
        if path and "{" not in path and path not in prefixes:
            prefixes.append(path)
    return tuple(prefixes)


def places_in(document: Mapping[str, Json]) -> Iterator[Place]:
    """Every operation of a document, once for each prefix of its servers."""
    prefixes = prefixes_of(document)
    for template, item in (document.get("paths") or {}).items():
        for method in METHODS if isinstance(item, Mapping) else ():
            if isinstance(item.get(method), Mapping):
                for prefix in prefixes:
                    yield Place(
                        template=template, method=method, prefix=prefix, described=item[method]
                    )


def found_places(places: list[Place], wanted: tuple[Wanted, ...]) -> list[tuple[Wanted, Place]]:
    """Each operation with its place: where the target file says, else by its operationId, else
    where the contract has it."""
    by_way: dict[tuple[str, str], Place] = {}
    by_id: dict[str, Place] = {}
    for one in places:
        by_way.setdefault((one.method, nameless(one.path)), one)
        by_id.setdefault(str(one.described.get("operationId")), one)
    found: list[tuple[Wanted, Place]] = []
    taken: set[tuple[str, str]] = set()
    # What the target file places goes first: no name takes its operation away.
    for each in sorted(wanted, key=lambda one: not one.is_placed):
        at = by_way.get((each.method, nameless(each.template)))
        named = by_id.get(each.name)
        ways = (at, named) if each.is_placed else (named, at)
        for one in filter(None, ways):
            if (one.template, one.method) not in taken:
                found.append((each, one))
                taken.add((one.template, one.method))
                break
    return found


def nameless(template: str) -> str:
    """A path without the names of its parameters: two documents call them differently."""
    return PARAMETER.sub("{}", template.partition("?")[0].rstrip("/") or "/")
