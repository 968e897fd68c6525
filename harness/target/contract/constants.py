"""What a backend wants in requests beside what the contract sends: `[contract.constants]`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field

from harness.redaction.secret_values import secrets_in
from harness.target.tables.models import Environment, Table
from harness.untrusted.json_pointers import steps
from harness.untrusted.members import texts_in

Json = Any


class Constants(Table):
    """Headers, parameters and members that are the same in every request."""

    headers: Environment = Field(default={})
    query: Environment = Field(default={})
    body: Mapping[Annotated[str, Field(min_length=1)], Json] = Field(default={})
    """By name: a member of the JSON body, or a part of the form; by `/a/b`: in JSON bodies only."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not (self.headers or self.query or self.body)

    def secrets(self) -> Iterator[str]:
        """Give the texts in it that must not reach a report, by their names and their form."""
        for part in (self.headers, self.query, self.body):
            for way, text in texts_in(part):
                names = [step for step in way if isinstance(step, str)]
                yield from secrets_in(text, names[-1:])


@dataclass(frozen=True, kw_only=True)
class AddedParts:
    """What one request gets: constants of all requests, and those of its operation over them."""

    common: Constants
    own: Constants
    fill_only: bool = False
    """Whether what the request has of the same name stays: the target file words it."""

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """By name; case makes no other name."""
        own = {name.lower() for name in self.own.headers}
        common = {n: text for n, text in self.common.headers.items() if n.lower() not in own}
        return {**common, **self.own.headers}

    @cached_property
    def query(self) -> Mapping[str, str]:
        """By name."""
        return {**self.common.query, **self.own.query}

    @cached_property
    def body(self) -> Mapping[tuple[str, ...], Json]:
        """By the way to it in a JSON body."""
        both = (*self.common.body.items(), *self.own.body.items())
        return {way_of(place): value for place, value in both}

    @cached_property
    def parts(self) -> Mapping[str, Json]:
        """Those of a form, by name."""
        both = (*self.common.body.items(), *self.own.body.items())
        return {place: value for place, value in both if not place.startswith("/")}

    @property
    def makes_body(self) -> bool:
        """Whether a request without a body gets one."""
        return bool(self.own.body)

    def target(self, path: str) -> str:
        """A path, which may have a query, with the constant parameters."""
        way, _, asked = path.partition("?")
        pairs = [pair for pair in asked.split("&") if pair]
        there = {pair.partition("=")[0] for pair in pairs}
        added = {n: text for n, text in self.query.items() if not (self.fill_only and n in there)}
        if not added:
            return path
        kept = [pair for pair in pairs if pair.partition("=")[0] not in added]
        return f"{way}?{'&'.join((*kept, urlencode(added)))}"

    def with_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers with the constant ones."""
        there = {name.lower() for name in headers}
        added = {
            name: text
            for name, text in self.headers.items()
            if not (self.fill_only and name.lower() in there)
        }
        replaced = {name.lower() for name in added}
        return {n: text for n, text in headers.items() if n.lower() not in replaced} | added


def way_of(place: str) -> tuple[str, ...]:
    """The names on the way to a place: a JSON Pointer (RFC 6901), or a name at the top."""
    return steps(place) if place.startswith("/") else (place,)
